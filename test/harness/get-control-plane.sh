#!/usr/bin/env bash
# Gets every program that the tests start or call, once, and prints the directory that they are in:
#
#   export KUBEBUILDER_ASSETS=$(test/harness/get-control-plane.sh)
#
# Needs Linux, curl, and Go for kwok, which comes without checksums but as a Go module. All else is held against the
# checksums that its project publishes.
set -euo pipefail

KUBERNETES=1.35.4
ETCD=3.6.5
KWOK=0.8.0
HELM=3.20.2
PROMETHEUS=3.13.5
ALERTMANAGER=0.34.2
GITHUB=https://github.com

case $(uname -sm) in
  'Linux x86_64') arch=amd64 ;;
  'Linux aarch64') arch=arm64 ;;
  *) echo "the control plane runs on Linux on x86_64 and aarch64, found $(uname -sm)" >&2; exit 1 ;;
esac

fetch() { curl --fail --silent --show-error --location --retry 3 --proto '=https' --output "${1##*/}" "$1"; }

# A file of a checksum list, by the name that it has there.
check() { grep -E "^[0-9a-f]{64} [ *]$1\$" "$2" | sha256sum --check --quiet --strict - >&2; }

# The programs in an archive, once that was checked.
unpack() {
  local url=$1 checksums=$2 archive=${1##*/}
  shift 2
  fetch "$url"
  fetch "$checksums"
  check "$archive" "${checksums##*/}"
  # Each is in the archive's one directory.
  tar --extract --gzip --file "$archive" --directory bin --strip-components 1 \
    --wildcards --no-wildcards-match-slash "${@/#/*/}"
}

get_all() {
  mkdir bin
  for program in kube-apiserver kube-controller-manager kubectl; do
    fetch "https://dl.k8s.io/release/v$KUBERNETES/bin/linux/$arch/$program"
    fetch "https://dl.k8s.io/release/v$KUBERNETES/bin/linux/$arch/$program.sha256"
    echo "$(cat "$program.sha256")  $program" > checksum
    check "$program" checksum
    install "$program" "bin/$program"
  done
  unpack "$GITHUB/etcd-io/etcd/releases/download/v$ETCD/etcd-v$ETCD-linux-$arch.tar.gz" \
    "$GITHUB/etcd-io/etcd/releases/download/v$ETCD/SHA256SUMS" etcd
  unpack "https://get.helm.sh/helm-v$HELM-linux-$arch.tar.gz" \
    "https://get.helm.sh/helm-v$HELM-linux-$arch.tar.gz.sha256sum" helm
  unpack "$GITHUB/prometheus/prometheus/releases/download/v$PROMETHEUS/prometheus-$PROMETHEUS.linux-$arch.tar.gz" \
    "$GITHUB/prometheus/prometheus/releases/download/v$PROMETHEUS/sha256sums.txt" prometheus promtool
  unpack "$GITHUB/prometheus/alertmanager/releases/download/v$ALERTMANAGER/alertmanager-$ALERTMANAGER.linux-$arch.tar.gz" \
    "$GITHUB/prometheus/alertmanager/releases/download/v$ALERTMANAGER/sha256sums.txt" alertmanager amtool
  GOBIN=$PWD/bin go install "sigs.k8s.io/kwok/cmd/kwok@v$KWOK" >&2
}

# Other versions are another directory.
programs=${XDG_CACHE_HOME:-$HOME/.cache}/node-svc-checker/control-plane-$(sha256sum "$0" | cut -c 1-12)
if [ ! -d "$programs" ]; then
  mkdir -p "${programs%/*}"
  workshop=$(mktemp -d "$programs.XXXXXX")
  trap 'rm -rf "$workshop"' EXIT
  cd "$workshop"
  get_all
  # At once, so that what is there is whole; somebody else may have been faster.
  mv --no-target-directory bin "$programs" 2> /dev/null || [ -d "$programs" ]
fi
echo "$programs"
