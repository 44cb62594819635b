{{/* Chart name, cut to a label's length. */}}
{{- define "meshlens.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* Name of every object. A release that is called like the chart does not say it twice. */}}
{{- define "meshlens.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "meshlens.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Labels that never change in the life of a release: selectors are immutable. */}}
{{- define "meshlens.selectorLabels" -}}
app.kubernetes.io/name: {{ include "meshlens.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "meshlens.labels" -}}
{{ include "meshlens.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/component: node-agent
app.kubernetes.io/part-of: meshlens
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{- define "meshlens.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "meshlens.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "meshlens.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{/* The configuration file; its digest rolls the pods when it changes. */}}
{{- define "meshlens.config" -}}
{{- toYaml .Values.config -}}
{{- end -}}

{{/* Attributes of the resource; the kubelet puts in the pod's. A dollar sign of the user's is none of the kubelet's. */}}
{{- define "meshlens.resourceAttributes" -}}
k8s.node.name=$(NODE_NAME);k8s.pod.name=$(POD_NAME);k8s.namespace.name=$(POD_NAMESPACE);k8s.daemonset.name={{ include "meshlens.fullname" . }};k8s.container.name=meshlens
{{- range $name, $value := .Values.resourceAttributes -}}
;{{ $name }}={{ $value | replace "%" "%25" | replace ";" "%3B" | replace "$" "%24" }}
{{- end -}}
{{- end -}}

{{/* Whole seconds, rounded up, of a duration such as 500ms, 10s, 2m or 1h (the schema admits no other). */}}
{{- define "meshlens.seconds" -}}
{{- $number := regexFind "^[0-9]+" . | int64 -}}
{{- $unit := regexFind "[a-z]+$" . -}}
{{- if eq $unit "ms" -}}
{{- div (add $number 999) 1000 -}}
{{- else -}}
{{- mul $number (get (dict "s" 1 "m" 60 "h" 3600) $unit) -}}
{{- end -}}
{{- end -}}

{{/* The node's directory of what is pinned; empty when nothing is. */}}
{{- define "meshlens.pinPath" -}}
{{- $path := .Values.config.kernel.pin_path -}}
{{- if and .Values.bpffs.enabled (ne $path "off") -}}
{{- eq $path "auto" | ternary "/sys/fs/bpf/meshlens" $path -}}
{{- end -}}
{{- end -}}

{{/* Whether the Kubernetes API is asked. */}}
{{- define "meshlens.asksKubernetes" -}}
{{- if eq .Values.config.identity.kubernetes.enabled "on" -}}true{{- end -}}
{{- end -}}

{{/* Whether the pod mounts the token of its service account. */}}
{{- define "meshlens.token" -}}
{{- or .Values.serviceAccount.automountToken (eq (include "meshlens.asksKubernetes" .) "true") -}}
{{- end -}}

{{/* What a schema cannot say because it spans two values. */}}
{{- define "meshlens.validate" -}}
{{- $timeout := .Values.config.shutdown.timeout -}}
{{- $grace := .Values.terminationGracePeriodSeconds | int64 -}}
{{- if le $grace (include "meshlens.seconds" $timeout | int64) -}}
{{- fail (printf "terminationGracePeriodSeconds (%d) must be greater than config.shutdown.timeout (%s), or the kubelet kills the program while it flushes: raise the former or lower the latter" $grace $timeout) -}}
{{- end -}}
{{- $path := .Values.config.kernel.pin_path -}}
{{- if and (hasPrefix "/sys/fs/bpf" $path) (not .Values.bpffs.enabled) -}}
{{- fail (printf "config.kernel.pin_path (%s) needs bpffs.enabled, or no pod starts: say auto or off, or enable it" $path) -}}
{{- end -}}
{{- $spool := .Values.config.access_log.spool.directory -}}
{{- if and (hasPrefix "/var/lib/meshlens" $spool) (eq .Values.spool.volume "none") -}}
{{- fail (printf "config.access_log.spool.directory (%s) needs spool.volume emptyDir or hostPath: the container cannot write elsewhere" $spool) -}}
{{- end -}}
{{- $surge := (.Values.updateStrategy.rollingUpdate | default dict).maxSurge | default 0 | toString -}}
{{- if and (or (include "meshlens.pinPath" .) .Values.hostNetwork (eq .Values.spool.volume "hostPath")) (not (has $surge (list "0" "0%"))) -}}
{{- fail (printf "updateStrategy.rollingUpdate.maxSurge (%s) must be 0: the second pod of a node waits for the pins (config.kernel.pin_path), the port (hostNetwork) or the spool (spool.volume) of the first, which waits for the second to be ready" $surge) -}}
{{- end -}}
{{- $monitor := .Values.serviceMonitor -}}
{{- if gt (include "meshlens.seconds" $monitor.scrapeTimeout | int64) (include "meshlens.seconds" $monitor.interval | int64) -}}
{{- fail (printf "serviceMonitor.scrapeTimeout (%s) must not exceed serviceMonitor.interval (%s): Prometheus refuses such a scrape" $monitor.scrapeTimeout $monitor.interval) -}}
{{- end -}}
{{- end -}}
