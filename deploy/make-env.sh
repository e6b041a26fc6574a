#!/bin/sh
# Makes deploy/.env out of deploy/env.example with passwords of its own. What deploy/.env has already stays as it is.
set -eu
cd "$(dirname "$0")"
umask 077
touch .env

password() {
    printf 'p%s' "$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')" # a letter first: NATS reads 12e5 as a number
}

missing=$(mktemp)
trap 'rm -f "$missing"' EXIT
while IFS= read -r line; do
    name=${line%%=*}
    case $line in
    '' | '#'*) continue ;;
    *=) value=$(password) ;;
    *) value=${line#*=} ;;
    esac
    grep -q "^$name=." .env || printf '%s=%s\n' "$name" "$value" >>"$missing"
done <env.example
cat "$missing" >>.env
echo "deploy/.env: $(wc -l <"$missing" | tr -d ' ') added"
