#!/usr/bin/env bash
# Puts a nats-server into a folder, out of Debian's own archive, without installing anything and without being root.
#
#   fetch-nats.sh FOLDER [MINIMUM_VERSION]      prints the path of the server; what it does goes to stderr
#
#   1. No host is named here: the mirror and its keyring are those that this machine's apt is configured with.
#   2. apt verifies the release's signature, its date and every hash, by its own rules; none of them is relaxed.
#   3. The machine's package state is neither read-locked nor written: lists, cache and status are private, and thrown away.
#   4. The server appears in FOLDER whole, by rename, after it has run once and said its version.
#
# Exit codes: 0 done, 2 wrong use, 3 not a Debian-like machine, 4 no suite has one that is new enough and runs here.
set -euo pipefail

[ $# -ge 1 ] || { echo 'usage: fetch-nats.sh FOLDER [MINIMUM_VERSION]' >&2; exit 2; }
minimum="${2:-2.12.0}"
mkdir -p -- "$1"
folder="$(cd -- "$1" && pwd)"

say() { printf 'fetch-nats: %s\n' "$*" >&2; }
new_enough() { dpkg --compare-versions "$1" ge "$minimum"; }
version_of() { timeout 10 "$1" --version 2>/dev/null | grep -oE '[0-9]+\.[0-9]+\.[0-9]+' | head -n 1; }

for tool in apt-get apt-cache dpkg dpkg-deb; do
  command -v "$tool" >/dev/null || { say "this machine has no $tool"; exit 3; }
done

# apt can say which indexes it uses, with their repository and keyring; where its lists were never fetched, which it would fetch.
mirror='' keyring=''
while IFS='|' read -r origin component address signed_by; do
  case "$origin|$component|$address" in
    *-security*) ;;
    'Debian|main|'*) mirror="$address" keyring="$signed_by"; break ;;
  esac
done < <(apt-get indextargets --format '$(ORIGIN)|$(COMPONENT)|$(REPO_URI)|$(SIGNED_BY)' 'Created-By: Packages' 2>/dev/null)
if [ -z "$mirror" ]; then
  mirror="$(apt-get update --print-uris 2>/dev/null | sed -nE "s#^'([^']*/debian/)dists/[^/']+/InRelease'.*#\1#p" | head -n 1)" || true
fi
[ -n "$mirror" ] || { say 'apt on this machine is configured with no Debian archive'; exit 3; }
[ -r "$keyring" ] || keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -r "$keyring" ] || { say "the keyring $keyring cannot be read"; exit 3; }

# Not inside FOLDER: apt's configuration cannot quote every name that a folder may have.
work="$(mktemp -d)"
draft="$folder/.nats-server.$$"
trap 'rm -rf -- "$work" "$draft"' EXIT
trap 'exit 143' TERM INT

for suite in testing unstable; do
  private="$work/$suite"
  mkdir -p "$private/lists/partial" "$private/cache/archives/partial" "$private/unpacked"
  : >"$private/status"
  printf 'deb [signed-by=%s] %s %s main\n' "$keyring" "$mirror" "$suite" >"$private/sources.list"
  cat >"$private/apt.conf" <<CONF
Dir::Etc::sourcelist "$private/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State "$private";
Dir::State::lists "$private/lists";
Dir::State::status "$private/status";
Dir::Cache "$private/cache";
Dir::Cache::archives "$private/cache/archives";
APT::Sandbox::User "root";
APT::Get::AllowUnauthenticated "false";
Acquire::AllowInsecureRepositories "false";
Acquire::Languages "none";
Acquire::PDiffs "false";
Acquire::Retries "1";
Acquire::http::Timeout "10";
Acquire::https::Timeout "10";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
CONF
  say "looking in $suite"
  # APT_CONFIG is read before the machine's own files; -c after them, so that these options win.
  apt-get -qq -c "$private/apt.conf" update >&2 || { say "$suite: its lists could not be fetched"; continue; }
  offered="$(apt-cache -c "$private/apt.conf" show --no-all-versions nats-server 2>/dev/null | sed -n 's/^Version: //p' | head -n 1)" || true
  if [ -z "$offered" ] || ! new_enough "${offered%%[-+~]*}"; then
    say "$suite has ${offered:-no nats-server}, and $minimum is needed"
    continue
  fi
  (cd "$private" && apt-get -qq -c "$private/apt.conf" download nats-server >&2) || { say "$suite: the package could not be fetched"; continue; }
  dpkg-deb -x "$private"/nats-server_*.deb "$private/unpacked"
  server="$(find "$private/unpacked" -type f -name nats-server -perm -u+x | head -n 1)"
  [ -n "$server" ] && cp -f -- "$server" "$draft" && chmod 755 "$draft"
  version="$(version_of "$draft")" || true
  if [ -z "$version" ] || ! new_enough "$version"; then
    say "$suite: $offered does not run on this machine"
    continue
  fi
  mv -f -- "$draft" "$folder/nats-server"
  say "nats-server $version"
  printf '%s\n' "$folder/nats-server"
  exit 0
done
say "no suite has a nats-server >= $minimum that runs here"
exit 4
