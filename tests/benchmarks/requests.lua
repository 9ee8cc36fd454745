-- Asks for the addresses of a file, one a line, in turn: wrk -s requests.lua ADDRESS -- FILE
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
