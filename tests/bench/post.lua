-- wrk: POST one SMS again and again, with the argument "ids" each with an id of its own; at the end
-- the count of answers that were 200.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
wrk.body = "To=%2B12025550160&From=%2B15017122661&Body=Incoming+message%21"

function init(arguments)
    if arguments[1] ~= "ids" then
        return
    end
    local count, sms = 0, wrk.body
    request = function()
        count = count + 1
        return wrk.format(nil, nil, nil, sms .. "&Id=" .. count)
    end
end

function done(summary, latency, requests)
    local errors = summary.errors
    local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
    io.write(string.format("RATE %.1f FAILED %d\n", summary.requests * 1e6 / summary.duration, failed))
end
