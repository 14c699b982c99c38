-- What wrk has measured, as one line of JSON.
done = function(summary, latency)
  local errors = summary.errors
  local failed, failures = 0, {}
  for _, kind in ipairs({ "connect", "read", "write", "status", "timeout" }) do
    failed = failed + errors[kind]
    if errors[kind] > 0 then failures[#failures + 1] = errors[kind] .. " " .. kind end
  end
  io.write(string.format(
    '{"requests":%d,"microseconds":%d,"p50":%d,"p99":%d,"p999":%d,"failed":%d,"failures":"%s"}\n',
    summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9),
    failed, table.concat(failures, ", ")))
end
