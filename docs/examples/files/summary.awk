# Adds up a report: hosts, errors, and the slowest request of all.
BEGIN { FS = "," }
NR > 1 { hosts++; errors += $2; if ($4 > slowest) slowest = $4 }
END { printf "{\"hosts\": %d, \"errors\": %d, \"slowest_ms\": %d}\n", hosts, errors, slowest }
