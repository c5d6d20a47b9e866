{{- define "nsc.namespace" -}}
{{ .Values.namespace | default .Release.Namespace }}
{{- end }}

{{- define "nsc.labels" -}}
labels:
  app.kubernetes.io/name: node-svc-checker
{{- end }}

{{- /* Labels that a user adds; ours is what everything selects by, and stays. */ -}}
{{- define "nsc.labelsWith" -}}
labels:
  {{- merge (dict "app.kubernetes.io/name" "node-svc-checker") . | toYaml | nindent 2 }}
{{- end }}

{{- define "nsc.image" -}}
image: {{ printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) | quote }}
{{- with .Values.image.pullPolicy }}
imagePullPolicy: {{ . }}
{{- end }}
{{- end }}

{{- define "nsc.nodeSelector" -}}
{{- $selector := .Values.nodeSelector | default dict }}
{{- if kindIs "string" $selector }}
{{- $pair := splitn "=" 2 $selector }}
{{- $selector = dict $pair._0 $pair._1 }}
{{- end }}
{{- toYaml (merge (dict) $selector (dict "kubernetes.io/os" "linux")) }}
{{- end }}

{{- /* Which of the ways to give policies is used: checker, policies, existingConfigMap or example. Two of them fail. */ -}}
{{- define "nsc.policySource" -}}
{{- $checker := .Values.checker }}
{{- $ways := list }}
{{- $actions := list }}
{{- range list "cordonNodeOnFailure" "drainNodeOnFailure" "taintNodeOnFailure" }}
{{- if get $checker . }}{{ $actions = append $actions (printf "checker.%s" .) }}{{ end }}
{{- end }}
{{- if $checker.nodeCheckScriptPath }}
{{- $ways = append $ways "checker.nodeCheckScriptPath" }}
{{- else if $actions }}
{{- $ways = append $ways (first $actions) }}
{{- end }}
{{- if .Values.policies }}{{ $ways = append $ways "policies" }}{{ end }}
{{- if .Values.existingConfigMap }}{{ $ways = append $ways "existingConfigMap" }}{{ end }}
{{- if gt (len $ways) 1 }}
{{- fail (printf "%s are set: give the policy in one way only, by checker.*, policies or existingConfigMap" (join " and " $ways)) }}
{{- else if and $actions (not $checker.nodeCheckScriptPath) }}
{{- fail (printf "%s needs checker.nodeCheckScriptPath: the path of a check script on the nodes" (first $actions)) }}
{{- end }}
{{- regexReplaceAll "\\..*" (first (append $ways "example")) "" }}
{{- end }}

{{- /* The directory of the host's script, if there is one. Where the agent or the image has something, it fails. */ -}}
{{- define "nsc.scriptDirectory" -}}
{{- with .Values.checker.nodeCheckScriptPath }}
{{- $directory := dir . }}
{{- if ne (clean .) . }}
{{- fail (printf "checker.nodeCheckScriptPath must be a plain path, without //, . and ..: write %s, found %s" (clean .) .) }}
{{- else if regexMatch "^/((bin|sbin|lib|lib64|etc|etc/node-svc-checker(/.*)?|dev|proc|sys|run|var|var/run(/.*)?|tmp|opt|home|root|host|usr|usr/local|usr(/local)?/(bin|sbin|lib))/?)?$" $directory }}
{{- fail (printf "checker.nodeCheckScriptPath must be in a directory of its own, for example /opt/node-checks: mounting %s of the node would hide what the image has there" $directory) }}
{{- else if and (eq $directory "/opt/checks") $.Values.scripts }}
{{- fail "checker.nodeCheckScriptPath and scripts both need /opt/checks: keep the node's script in another directory" }}
{{- end }}
{{- $directory }}
{{- end }}
{{- end }}

{{- /* The one policy that the values checker.* are. */ -}}
{{- define "nsc.checkerPolicy" -}}
{{- with .Values.checker -}}
# Made from the values checker.* of the Helm chart.
apiVersion: node-svc-checker/v1
kind: NodeCheckPolicy
metadata: {name: checker}
spec:
  check:
    command: [{{ toJson .nodeCheckScriptPath }}]
    periodSeconds: {{ int .scriptPeriodSec }}
    failureThreshold: {{ int .failureThreshold }}
    onStderr: {{ .onStderr }}
  actions:
    cordon: {{ .cordonNodeOnFailure }}
    {{- if .taintNodeOnFailure }}
    taint: {key: {{ toJson .nodeTaint.key }}, value: {{ toString .nodeTaint.value | toJson }}, effect: {{ .nodeTaint.effect }}}
    {{- end }}
    {{- if .drainNodeOnFailure }}
    drain: {}
    {{- end }}
{{ end }}
{{- end }}
