#!/bin/sh
# Sends one message to an agent that is served to programs, with curl, and prints the frames as they come.
#   npx reins agent apply --file examples/agents/assistant.yaml
#   npx reins agent start assistant --mode api --port 9100
#   sh examples/agents/api_client.sh http://127.0.0.1:9100 .reins/admin.token "Hello" [SESSION]
# The second argument is a file with your token. curl reads the header from stdin, so that nobody sees the token in a list of processes.
set -eu
base=$1
token=$(cat "$2")
message=$(printf '%s' "$3" | sed 's/\\/\\\\/g; s/"/\\"/g')
session=${4:+"?session=$4"}

printf 'header = "Authorization: Bearer %s"\n' "$token" |
  curl --config - --no-buffer --silent --show-error --request POST "$base/chat$session" \
    --header 'Content-Type: application/json' --data "{\"message\": \"$message\"}" |
  sed -n 's/^data: //p'
