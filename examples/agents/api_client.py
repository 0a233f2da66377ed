#!/usr/bin/env python3
"""Talks to an agent that is served to programs. It needs the standard library of Python 3 alone.

    npx reins agent apply --file examples/agents/assistant.yaml
    npx reins agent start assistant --mode api --port 9100
    python3 examples/agents/api_client.py http://127.0.0.1:9100 .reins/admin.token

The second argument is a file with your token. Each line that you type is a message; Ctrl-D leaves.
"""

import http.client
import json
import sys
import time
import urllib.error
import urllib.request
import uuid

BASE = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:9100"
TOKEN = open(sys.argv[2] if len(sys.argv) > 2 else ".reins/admin.token").read().strip()
PATIENCE = 60  # seconds for which it is tried to come back to an interrupted stream
LAST = ("response", "elicitation", "approval", "session_end", "error")

session = sys.argv[3] if len(sys.argv) > 3 else None
last_id = None


def say(text):
    sys.stdout.write(text)
    sys.stdout.flush()


def ask(prompt):
    """A line, or None at the end of the input."""
    say(prompt)
    line = sys.stdin.readline()
    return line.rstrip("\n") if line else None


def request(path, body, headers):
    """One request, and the frames of its answer. Raises where the connection breaks."""
    global last_id
    asked = urllib.request.Request(
        BASE + path,
        data=json.dumps(body).encode(),
        headers={"Authorization": "Bearer " + TOKEN, "Content-Type": "application/json", **headers},
    )
    try:
        answer = urllib.request.urlopen(asked, timeout=120)
    except urllib.error.HTTPError as refused:
        error = json.load(refused)["error"]
        yield {"type": "error", "message": "%d: %s %s" % (refused.code, error["message"], error.get("next", ""))}
        return
    with answer:
        for raw in answer:
            line = raw.decode().rstrip("\n")
            if line.startswith("id: "):
                last_id = line[4:]
            elif line.startswith("data: "):
                yield json.loads(line[6:])


def stream(path, body):
    """To the last frame, also where the connection breaks on the way: it goes on behind the last id."""
    key = {"Idempotency-Key": str(uuid.uuid4())} if path.startswith("/chat") else {}
    deadline = time.monotonic() + PATIENCE
    again = False
    while True:
        try:
            if again and session and last_id:
                frames = request("/chat?session=" + session, {}, {"Last-Event-ID": last_id})
            else:
                frames = request(path, body, key)
            for frame in frames:
                yield frame
                if frame["type"] in LAST:
                    return
        except (urllib.error.URLError, http.client.HTTPException, OSError):
            if time.monotonic() > deadline:
                raise
        again = True
        time.sleep(0.5)


def tell(path, body):
    """Shows what comes, asks what has to be asked, and gives False at the end of the session."""
    global session
    for frame in stream(path, body):
        kind = frame["type"]
        if kind == "session_id":
            session = frame["id"]
        elif kind == "token":
            say(frame["text"])
        elif kind == "tool_start":
            say("[%s %s]\n" % (frame["name"], json.dumps(frame["args"])))
        elif kind == "tool_done":
            say("[%s: %s]\n" % (frame["name"], frame["status"]))
        elif kind == "response":
            say("\n(turn %d)\n" % frame["turn"])
        elif kind == "approval":
            yes = ask("May %s run with %s? [y/N] " % (frame["name"], json.dumps(frame["args"])))
            verdict = "approved" if yes and yes.lower().startswith("y") else "denied"
            return tell("/approval/%s?session=%s" % (frame["call_id"], session), {"verdict": verdict})
        elif kind == "elicitation":
            done = ask(
                "[%s] %s\n%s\nPress Enter when you are done, n declines: "
                % (frame["server_name"], frame["message"], frame.get("url", ""))
            )
            action = "cancel" if done is None else "decline" if done.lower().startswith("n") else "accept"
            answer = {"elicitation_id": frame["elicitation_id"], "action": action}
            return tell("/elicitation/%s?session=%s" % (frame["elicitation_id"], session), answer)
        elif kind == "session_end":
            say("\nThe session is over: %s, after %d turns.\n" % (frame["reason"], frame["turns"]))
            return False
        elif kind == "error":
            say("\nError: %s\n" % frame["message"])
        # A later version may say more.
    return True


while True:
    message = ask("> ")
    if message is None:
        break
    if not message.strip():
        continue
    if not tell("/chat?session=" + session if session else "/chat", {"message": message}):
        break
say("\nSession: %s\n" % session)
