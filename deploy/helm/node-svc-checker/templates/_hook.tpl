{{- /*
A Job of one step of an uninstall, and the account and rights that it runs with. No hook of Helm's is part of a release,
so each of these is deleted when all of them have succeeded; what failed stays to be looked at until the next attempt.

  hook         pre-delete or post-delete
  name         of the Job, and of all that it needs
  args         of nsc
  podVerbs     what it may do with the pods of the namespace; none without it
  statusVerbs  what it may do with the status of Nodes; none without it
*/ -}}
{{- define "nsc.hook" -}}
{{- $rights := dict "name" .name "namespace" (include "nsc.namespace" .root) }}
{{- $metadata := include "nsc.hookMetadata" . -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- $metadata | nindent 2 }}
    helm.sh/hook-weight: "-2"
  namespace: {{ $rights.namespace }}
automountServiceAccountToken: false
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  {{- $metadata | nindent 2 }}
    helm.sh/hook-weight: "-2"
rules:
  - apiGroups: [""]
    resources: [nodes]
    verbs: [get, list, patch]
  {{- with .statusVerbs }}
  - apiGroups: [""]
    resources: [nodes/status]
    verbs: [{{ join ", " . }}]
  {{- end }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  {{- $metadata | nindent 2 }}
    helm.sh/hook-weight: "-1"
{{ include "nsc.hookBinding" (merge (dict "kind" "ClusterRole") $rights) }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  {{- $metadata | nindent 2 }}
    helm.sh/hook-weight: "-2"
  namespace: {{ $rights.namespace }}
rules:
  - apiGroups: [coordination.k8s.io]
    resources: [leases]
    verbs: [list, delete]
  {{- with .podVerbs }}
  - apiGroups: [""]
    resources: [pods]
    verbs: [{{ join ", " . }}]
  {{- end }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  {{- $metadata | nindent 2 }}
    helm.sh/hook-weight: "-1"
  namespace: {{ $rights.namespace }}
{{ include "nsc.hookBinding" (merge (dict "kind" "Role") $rights) }}
---
apiVersion: batch/v1
kind: Job
metadata:
  {{- $metadata | nindent 2 }}
    helm.sh/hook-weight: "0"
  namespace: {{ $rights.namespace }}
spec:
  # What was released stays so; another attempt has only the rest to do.
  backoffLimit: 2
  # Less than the five minutes that Helm waits for each hook, so that the Job says what went wrong, and not Helm's
  # timeout.
  activeDeadlineSeconds: 240
  template:
    metadata:
      # Not the agents' label, by which their DaemonSet selects, and by which nsc knows that none is left.
      labels: {app.kubernetes.io/name: {{ .name }}}
    spec:
      serviceAccountName: {{ .name }}
      automountServiceAccountToken: true
      enableServiceLinks: false
      restartPolicy: Never
      {{- with .root.Values.imagePullSecrets }}
      imagePullSecrets:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      nodeSelector: {kubernetes.io/os: linux}
      # Every node may be cordoned or tainted by an agent. A node that is not ready could not run it, and has a
      # NoExecute taint as well, which admission would tolerate for five minutes unless something is said of it here.
      tolerations:
        - {operator: Exists, effect: NoSchedule}
        - {key: node.kubernetes.io/not-ready, value: never, effect: NoExecute}
        - {key: node.kubernetes.io/unreachable, value: never, effect: NoExecute}
      securityContext:
        runAsNonRoot: true
        runAsUser: 65532
        runAsGroup: 65532
        seccompProfile: {type: RuntimeDefault}
      containers:
        - name: release
          {{- include "nsc.image" .root | nindent 10 }}
          command: [nsc]
          args: [{{ join ", " .args }}]
          env:
            # Where the agents and their Leases are.
            - name: POD_NAMESPACE
              valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
          resources:
            requests: {cpu: 10m, memory: 64Mi}
            limits: {memory: 256Mi}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: {drop: [ALL]}
{{- end }}

{{- define "nsc.hookMetadata" -}}
name: {{ .name }}
{{ include "nsc.labels" .root }}
annotations:
  helm.sh/hook: {{ .hook }}
  helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}

{{- define "nsc.hookBinding" -}}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ .kind }}
  name: {{ .name }}
subjects:
  - kind: ServiceAccount
    name: {{ .name }}
    namespace: {{ .namespace }}
{{- end }}
