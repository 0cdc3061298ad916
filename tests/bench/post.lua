-- wrk: POST one SMS again and again, with the argument "ids" each with an id of its own, with "numbers"
-- each to a number of its own; at the end the count of answers that were 200.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
wrk.body = "To=%2B12025550160&From=%2B15017122661&Body=Incoming+message%21"

function init(arguments)
    local count, sms, kind = 0, wrk.body, arguments[1]
    if kind == "ids" then
        request = function()
            count = count + 1
            return wrk.format(nil, nil, nil, sms .. "&Id=" .. count)
        end
    elseif kind == "numbers" then
        request = function()
            count = count + 1
            return wrk.format(nil, nil, nil, sms .. "&To=%2B1202" .. 5550160 + count)
        end
    end
end

function done(summary, latency, requests)
    local errors = summary.errors
    local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
    io.write(string.format("RATE %.1f FAILED %d\n", summary.requests * 1e6 / summary.duration, failed))
end
