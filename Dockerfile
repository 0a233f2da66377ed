# One image for all services: `docker run reins executor` runs `reins service executor`.
#   1. Dependencies come from the lockfile, and change their layer only when a package.json or the lockfile changes.
#   2. What is only for development, and what is only for other machines (a Node, Postgres), stays out.
#   3. The chat page comes built: `npm run docker:setup` on the machine that makes the image has built it, to libs/web/dist.
#   4. It runs as `node`, writes to /tmp, /workspaces and /memories alone, and listens to SIGTERM.
FROM node:24-bookworm-slim AS manifests
WORKDIR /app
COPY . .
RUN find . -type f ! -name package.json ! -name package-lock.json ! -name .npmrc -delete && find . -type d -empty -delete

FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY --from=manifests /app ./
RUN npm ci --omit=dev --omit=optional --ignore-scripts && npm cache clean --force

FROM node:24-bookworm-slim
# The sandbox of the shell tool, and what people expect a coding agent to find.
RUN apt-get update \
 && apt-get install -y --no-install-recommends bubblewrap ca-certificates git \
 && rm -rf /var/lib/apt/lists/* \
 && install -d -o node -g node /workspaces /memories
WORKDIR /app
COPY --from=dependencies /app ./
COPY . .
ENV NODE_ENV=production REINS_WORKSPACE_ROOT=/workspaces
USER node
ENTRYPOINT ["/app/deploy/docker/entrypoint.sh"]
