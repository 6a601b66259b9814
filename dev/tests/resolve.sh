#!/usr/bin/env bash
# In a network of its own (`unshare --net`): whether the program in a folder that is all it sees finds a host by DNS, as a
# static one does only where its C library brings all that it needs.
#
#   dev/tests/resolve.sh ROOT
set -euo pipefail
root=$1

python3 - <<'PYTHON' &
# Says 127.0.0.1 to whatever is asked, for a minute.
import fcntl, socket, struct
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
SIOCSIFFLAGS, UP = 0x8914, 0x1
fcntl.ioctl(server, SIOCSIFFLAGS, struct.pack("16sH14s", b"lo", UP, b""))
server.bind(("127.0.0.1", 53))
server.settimeout(60)
while True:
    query, client = server.recvfrom(512)
    end = query.index(0, 12) + 5
    is_a = query[end - 4:end - 2] == b"\0\1"
    answer = b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4\x7f\0\0\1" if is_a else b""
    server.sendto(query[:2] + b"\x81\x80\0\1" + struct.pack(">H", is_a) + b"\0\0\0\0" + query[12:end] + answer, client)
PYTHON
resolver=$!
trap 'kill $resolver' EXIT

mkdir -p "$root/etc"
echo 'nameserver 127.0.0.1' >"$root/etc/resolv.conf"
cat >"$root/kubeconfig" <<'YAML'
{apiVersion: v1, kind: Config, current-context: a, contexts: [{name: a, context: {cluster: a, user: a}}],
 clusters: [{name: a, cluster: {server: "https://kubernetes.example:6443"}}], users: [{name: a, user: {token: a}}]}
YAML
said=$(KUBECONFIG=/kubeconfig AWS_REGION=us-east-1 timeout 5 chroot "$root" /irsa-operator run --cluster-id a --listen 127.0.0.1:0 2>&1) || true
# Found, and nobody is there.
grep -q 'Connection refused' <<<"$said" || {
    echo "$said"
    exit 1
}
