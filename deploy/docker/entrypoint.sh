#!/bin/sh
# Runs one service in a container: entrypoint.sh SERVICE [FLAG…]
#   E1. Secrets come as files (/run/secrets): their values never stand in the container's configuration.
#   E2. A service says on its standard output only that it is ready; that goes to /tmp/ready, which the health checks read.
set -eu

secret() { # secret NAME VARIABLE: the variable, unless it is set already, is what the file holds
  if [ -r "/run/secrets/$1" ] && eval "[ -z \"\${$2:-}\" ]"; then
    eval "$2=\$(cat \"/run/secrets/$1\")"
    export "$2"
  fi
}
secret nats_url NATS_URL
secret database_url DATABASE_URL
secret secrets_key REINS_SECRETS_KEY
secret archive_nats_url REINS_ARCHIVE_NATS_URL
# Three servers are a cluster: each stream has three copies then.
case "${NATS_URL:-}" in *,*,*) export REINS_REPLICAS="${REINS_REPLICAS:-3}" ;; esac

# The registry learns the operator's token from its data folder, as a file that is its owner's alone.
if [ -r /run/secrets/admin_token ]; then
  export REINS_DATA_DIR=/tmp/data
  mkdir -p -m 700 "$REINS_DATA_DIR"
  (umask 077 && cat /run/secrets/admin_token >"$REINS_DATA_DIR/admin.token")
fi

exec node /app/deploy/local/src/main.ts service "$@" >/tmp/ready
