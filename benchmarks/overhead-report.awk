# SPDX-License-Identifier: Apache-2.0
# Makes overhead.md and overhead.json of the lines that overhead.sh collected:
#   round workload situation rate cpu_seconds rss_kib hwm_kib connections disturbance_percent

function sorted(list, n, i, j, swap) {
  for (i = 2; i <= n; i++)
    for (j = i; j > 1 && list[j - 1] > list[j]; j--) {
      swap = list[j]
      list[j] = list[j - 1]
      list[j - 1] = swap
    }
}

function median(list, n) {
  sorted(list, n)
  return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
}

# The middle of the lower or upper half: shows the spread better than extremes do.
function quantile(list, n, q, at, low) {
  at = 1 + (n - 1) * q
  low = int(at)
  return low == n ? list[n] : list[low] + (at - low) * (list[low + 1] - list[low])
}

# Median over the rounds.
function column(values, w, s, r, n, list) {
  n = 0
  for (r = 1; r <= rounds; r++)
    if ((w, s, r) in rate)
      list[++n] = values[w, s, r]
  return median(list, n)
}

function total(values, w, s, r, sum) {
  sum = 0
  for (r = 1; r <= rounds; r++)
    sum += values[w, s, r]
  return sum
}

function largest(values, w, s, r, max) {
  max = 0
  for (r = 1; r <= rounds; r++)
    if (values[w, s, r] > max)
      max = values[w, s, r]
  return max
}

# Fills share, share_low and share_high: median and quartiles of the rate beside the bare one.
function shares(w, s, r, n, list) {
  n = 0
  for (r = 1; r <= rounds; r++)
    if ((w, s, r) in rate && (w, "bare", r) in rate)
      list[++n] = rate[w, s, r] / rate[w, "bare", r]
  share = median(list, n)
  share_low = quantile(list, n, 0.25)
  share_high = quantile(list, n, 0.75)
}

{
  rate[$2, $3, $1] = $4
  cpu[$2, $3, $1] = $5
  rss[$2, $3, $1] = $6
  hwm[$2, $3, $1] = $7
  served[$2, $3, $1] = $8
  seen[$2, $3] = 1
}

END {
  md = out "/overhead.md"
  json = out "/overhead.json"
  unit["churn"] = "connections/s"
  unit["keepalive"] = "requests/s"
  unit["bulk"] = "Mbit/s"
  n_w = split(workloads, w_list, " ")
  n_s = split(situations, s_list, " ")

  printf "%s, loopback. %s.\n", machine, version > md
  printf "Medians of %d rounds of %d s; share: rate divided by the bare rate of the same round, with\n", \
    rounds, seconds > md
  printf "its quartiles. CPU: processor time of the observer, of all processors.\n\n" > md
  printf "| workload | beside | rate | share of bare | CPU, %% | CPU, µs per connection | VmRSS, MiB | VmHWM, MiB |\n" > md
  printf "|---|---|--:|--:|--:|--:|--:|--:|\n" > md
  printf "{\n  \"machine\": \"%s\",\n  \"version\": \"%s\",\n", machine, version > json
  printf "  \"rounds\": %d, \"seconds\": %d, \"connections\": %d,\n", \
    rounds, seconds, connections > json
  printf "  \"connections_watched\": %d, \"disturbed_runs\": %d, \"failures\": %d,\n", \
    watched, disturbed, failures > json
  printf "  \"results\": [" > json
  first = 1
  for (i = 1; i <= n_w; i++) {
    w = w_list[i]
    for (j = 1; j <= n_s; j++) {
      s = s_list[j]
      if (!((w, s) in seen))
        continue
      shares(w, s)
      bare = s == "bare"
      watched_by_none = bare || s == "control"
      cpu_sum = total(cpu, w, s)
      each = w == "churn" ? 1e6 * cpu_sum / total(served, w, s) : 0
      printf "| %s | %s | %.0f %s | %s | %s | %s | %s | %s |\n", \
        w, s, column(rate, w, s), unit[w], \
        bare ? "1" : sprintf("%.3f (%.3f-%.3f)", share, share_low, share_high), \
        watched_by_none ? "" : sprintf("%.2f", 100 * cpu_sum / (rounds * seconds * processors)), \
        watched_by_none || w != "churn" ? "" : sprintf("%.2f", each), \
        watched_by_none ? "" : sprintf("%.0f", column(rss, w, s) / 1024), \
        watched_by_none ? "" : sprintf("%.0f", largest(hwm, w, s) / 1024) > md
      printf "%s\n    {\"workload\": \"%s\", \"situation\": \"%s\", \"unit\": \"%s\", \"rate\": %.2f,", \
        first ? "" : ",", w, s, unit[w], column(rate, w, s) > json
      printf " \"share\": %.4f, \"share_quartiles\": [%.4f, %.4f],", share, share_low, share_high > json
      printf " \"cpu_seconds\": %.2f, \"cpu_us_per_connection\": %.3f,", cpu_sum, each > json
      printf " \"rss_kib\": %d, \"hwm_kib\": %d, \"rates\": [", \
        column(rss, w, s), largest(hwm, w, s) > json
      for (r = 1; r <= rounds; r++)
        printf "%s%s", r == 1 ? "" : ", ", rate[w, s, r] > json
      printf "]}" > json
      first = 0
    }
  }
  printf "\n  ],\n" > json
  if (disturbed)
    printf "\n%d runs were kept although others used more than %s %% of the machine.\n", \
      disturbed, quiet > md
  printf "\n%d connections were watched in all runs; nginx and meshlens agree about their number, and nothing\n", \
    watched > md
  printf "was lost: %s.\n", failures ? "NO, see the messages" : "yes" > md
  if ((getline line < (exactness ".md")) > 0) {
    printf "\nOne churn run of %d s, counted by everybody:\n\n%s\n", exact_seconds, line > md
    while ((getline line < (exactness ".md")) > 0)
      print line > md
    getline line < (exactness ".json")
    printf "  \"exactness\": {%s}\n}\n", line > json
    printf "\nCost of each kernel program in churn, by the kernel's own clock (kernel.bpf_stats_enabled, which\n" > md
    printf "adds some tens of ns to each run), %d s, both ends of a connection together:\n\n", program_seconds > md
    while ((getline line < programs) > 0)
      print line > md
  } else {
    printf "  \"exactness\": null\n}\n" > json
  }
}
