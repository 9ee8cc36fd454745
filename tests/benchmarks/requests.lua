-- Asks for the addresses of a file, one a line, in turn: wrk -s requests.lua ADDRESS -- FILE
-- and says at the end what half and 95 % of the answers took, in microseconds.
local paths, place = {}, 0

function init(arguments)
    for path in io.lines(arguments[1]) do
        paths[#paths + 1] = path
    end
end

function request()
    place = place % #paths + 1
    return wrk.format("GET", paths[place])
end

function done(summary, latency, requests)
    print(string.format("percentiles: %d %d", latency:percentile(50), latency:percentile(95)))
end
