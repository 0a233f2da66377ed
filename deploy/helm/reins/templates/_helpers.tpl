{{/* Parts that all services share. Each process runs as nobody's root, on a file system that it cannot write but for /tmp. */}}

{{- define "reins.name" -}}
{{- printf "%s-%s" .root.Release.Name .name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "reins.selector" -}}
app.kubernetes.io/name: reins
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .service }}
{{- if .pool }}
reins/pool: {{ .pool }}
{{- end }}
{{- end -}}

{{- define "reins.labels" -}}
{{ include "reins.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{- define "reins.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}{{ $image.repository }}@{{ $image.digest }}
{{- else -}}{{ $image.repository }}:{{ $image.tag | default .Chart.AppVersion }}{{- end -}}
{{- end -}}

{{/* As REINS_LABELS takes them, and as the label `labels` of the metrics of pools has them: in the order of their names. */}}
{{- define "reins.poolLabels" -}}
{{- $all := list -}}
{{- range $name, $value := . }}{{ $all = append $all (printf "%s=%s" $name (toString $value)) }}{{ end -}}
{{- join "," $all -}}
{{- end -}}

{{- define "reins.podSecurity" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
{{- end -}}

{{/* `unconfined`: makes namespaces for the sandboxes of commands. */}}
{{- define "reins.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
seccompProfile: { type: {{ ternary "Unconfined" "RuntimeDefault" .unconfined }} }
{{- if .unconfined }}
appArmorProfile: { type: Unconfined }
procMount: Unmasked
{{- end }}
{{- end -}}

{{/* root, service, secrets (key of the secret: name of the file), env, and what a service has besides. */}}
{{- define "reins.deployment" -}}
{{- $root := .root -}}
{{- $of := dict "root" $root "service" .service "pool" .pool -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "reins.name" . }}
  labels: {{- include "reins.labels" $of | nindent 4 }}
spec:
  {{- if not .scaled }}
  replicas: {{ .replicas }}
  {{- end }}
  {{- if .alone }}
  strategy: { type: Recreate }
  {{- else }}
  strategy: { type: RollingUpdate, rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } }
  {{- end }}
  selector:
    matchLabels: {{- include "reins.selector" $of | nindent 6 }}
  template:
    metadata:
      labels: {{- include "reins.labels" $of | nindent 8 }}
      annotations: { prometheus.io/scrape: 'true', prometheus.io/port: '9464' }
    spec:
      automountServiceAccountToken: false
      enableServiceLinks: false
      {{- if .unconfined }}
      hostUsers: false
      {{- end }}
      terminationGracePeriodSeconds: {{ $root.Values.gracePeriodSeconds }}
      securityContext: {{- include "reins.podSecurity" $root | nindent 8 }}
      {{- with $root.Values.image.pullSecrets }}
      imagePullSecrets: {{- toYaml . | nindent 8 }}
      {{- end }}
      topologySpreadConstraints:
        {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
        - maxSkew: 1
          topologyKey: {{ . }}
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels: {{- include "reins.selector" $of | nindent 14 }}
        {{- end }}
      containers:
        - name: {{ .service }}
          image: {{ include "reins.image" $root }}
          imagePullPolicy: {{ $root.Values.image.pullPolicy }}
          args: [{{ .service }}]
          securityContext: {{- include "reins.containerSecurity" . | nindent 12 }}
          env:
            {{- $env := merge (dict) .env (.settings | default dict) $root.Values.settings (dict "REINS_METRICS_HOST" "0.0.0.0" "REINS_METRICS_PORT" "9464" "REINS_KEYS_DIR" "/run/secrets/keys") }}
            {{- if $root.Values.archive.after }}{{ $env = merge $env (dict "REINS_ARCHIVE_AFTER" $root.Values.archive.after) }}{{ end }}
            {{- range $name, $value := $env }}
            - { name: {{ $name }}, value: {{ toString $value | quote }} }
            {{- end }}
          {{- with .envFrom }}
          envFrom: [{ secretRef: { name: {{ . }} } }]
          {{- end }}
          ports:
            - { name: metrics, containerPort: 9464 }
            {{- if eq .service "session-gateway" }}
            - { name: http, containerPort: 7420 }
            {{- end }}
          {{- /* A service says once that it is ready. Then the process is asked, and not its broker: that one is away is no reason to end. */}}
          startupProbe:
            exec: { command: [grep, -q, '^ready', /tmp/ready] }
            periodSeconds: 2
            failureThreshold: 60
          livenessProbe:
            httpGet: { path: /health, port: metrics }
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 6
          readinessProbe:
            {{- if eq .service "session-gateway" }}
            httpGet: { path: /ready, port: http, httpHeaders: [{ name: Host, value: 127.0.0.1:7420 }] }
            {{- else }}
            httpGet: { path: /health, port: metrics }
            {{- end }}
            periodSeconds: 5
            timeoutSeconds: 5
          {{- with .resources }}
          resources: {{- toYaml . | nindent 12 }}
          {{- end }}
          volumeMounts:
            - { name: tmp, mountPath: /tmp }
            - { name: secrets, mountPath: /run/secrets, readOnly: true }
            {{- range .volumes }}
            - { name: {{ .name }}, mountPath: {{ .path }} }
            {{- end }}
      volumes:
        - { name: tmp, emptyDir: {} }
        - name: secrets
          secret:
            secretName: {{ $root.Values.secret }}
            defaultMode: 288
            items:
              {{- range $key, $file := .secrets }}
              - { key: {{ $key }}, path: {{ $file }} }
              {{- end }}
              {{- /* Each signs with the key of its own role, and checks with the public ones of all. */}}
              {{- $role := ternary "signing" .service (eq .service "session-gateway") }}
              - { key: role-{{ $role }}.key, path: keys/{{ $role }}.key }
              {{- range list "registry" "memory" "signing" "executor" "tool-runner" }}
              - { key: role-{{ . }}.pub, path: keys/{{ . }}.pub }
              {{- end }}
        {{- range .volumes }}
        - name: {{ .name }}
          {{- if .claim }}
          persistentVolumeClaim: { claimName: {{ .claim }} }
          {{- else }}
          emptyDir: {}
          {{- end }}
        {{- end }}
{{- end -}}

{{/* What runs of one service or pool is not taken away at once. */}}
{{- define "reins.disruptionBudget" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "reins.name" . }}
  labels: {{- include "reins.labels" . | nindent 4 }}
spec:
  maxUnavailable: 1
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels: {{- include "reins.selector" . | nindent 6 }}
{{- end -}}

{{/* root, service, pool, kind, labels, scale, concurrency: as many processes as the work of a pool needs, also none. */}}
{{- define "reins.scaledObject" -}}
{{- $of := printf "{kind=%q,labels=%q}" .service (include "reins.poolLabels" .labels) -}}
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: {{ include "reins.name" . }}
  labels: {{- include "reins.labels" . | nindent 4 }}
spec:
  scaleTargetRef: { name: {{ include "reins.name" . }} }
  minReplicaCount: {{ .scale.min | default 0 }}
  maxReplicaCount: {{ .scale.max }}
  pollingInterval: {{ .root.Values.keda.pollingSeconds }}
  cooldownPeriod: {{ .root.Values.keda.cooldownSeconds }}
  {{- if .scale.min }}
  # While Prometheus is away.
  fallback: { failureThreshold: 3, replicas: {{ .scale.min }} }
  {{- end }}
  advanced:
    horizontalPodAutoscalerConfig:
      behavior:
        scaleDown: { stabilizationWindowSeconds: 120, policies: [{ type: Percent, value: 50, periodSeconds: 60 }] }
  triggers:
    # What waits and what is worked on: each process is to have so much of it.
    - type: prometheus
      name: work
      metadata:
        serverAddress: {{ .root.Values.keda.prometheus | quote }}
        query: {{ printf "max(reins_pool_backlog%s) + max(reins_pool_in_progress%s)" $of $of | quote }}
        threshold: {{ .scale.perProcess | default (ternary 400 32 (eq .service "executor")) | quote }}
        activationThreshold: '0'
        ignoreNullValues: 'true'
    # How long the first of it has waited. Less than a process takes to start would start too many.
    - type: prometheus
      name: age
      metricType: Value
      metadata:
        serverAddress: {{ .root.Values.keda.prometheus | quote }}
        query: {{ printf "max(reins_pool_oldest_seconds%s)" $of | quote }}
        threshold: {{ .scale.oldestSeconds | default 30 | quote }}
        activationThreshold: '0'
        ignoreNullValues: 'true'
{{- end -}}
