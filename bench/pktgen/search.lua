-- SPDX-License-Identifier: Apache-2.0
--
-- For Pktgen-DPDK, started with a capture file of culvert-pktgen on each port: the highest rate
-- that the gateway forwards without loss, for each direction and both at once (RFC 2544 section
-- 26.1). Port 0 faces the gateway's subscriber side, port 1 its network side.
--
-- Settings come from the environment: CULVERT_TRIAL seconds of a trial (default 10), CULVERT_LOSS
-- packets of a million that may be lost (default 10), CULVERT_STEP per cent of the line rate at
-- which the search ends (default 1), CULVERT_WAYS (default "up down both").
package.path = package.path .. ";?.lua"
require "Pktgen"

local function setting(name, default)
	return tonumber(os.getenv(name) or default)
end

local trial = setting("CULVERT_TRIAL", 10)
local loss_most = setting("CULVERT_LOSS", 10) / 1e6
local step = setting("CULVERT_STEP", 1)
local ways = {
	up = {name = "uplink", from = {0}},
	down = {name = "downlink", from = {1}},
	both = {name = "both directions", from = {0, 1}},
}

local function ports_of(way)
	return table.concat(way.from, ",")
end

-- Packets that were sent by and that came back to the other port of each sender.
local function counted(way)
	local sent, received = 0, 0
	local now = pktgen.portStats("0,1", "port")
	for _, port in ipairs(way.from) do
		sent = sent + now[port].opackets
		received = received + now[1 - port].ipackets
	end
	return sent, received
end

-- Both ports answer ARP for the addresses that the gateway's routes name; a moment of traffic
-- makes it ask.
local function prepare()
	pktgen.screen("off")
	pktgen.set_ipaddr("0", "src", "192.0.2.254/24")
	pktgen.set_ipaddr("1", "src", "198.51.100.254/24")
	pktgen.process("0,1", "on")
	pktgen.pcap("0,1", "on")
	pktgen.set("0,1", "rate", 0.01)
	pktgen.start("0,1")
	pktgen.delay(3000)
	pktgen.stop("0,1")
	pktgen.delay(1000)
end

-- Sends at so many per cent of the line rate; returns packets a second and the share lost.
local function measure(way, rate)
	local sent0, received0 = counted(way)
	pktgen.set(ports_of(way), "rate", rate)
	pktgen.start(ports_of(way))
	pktgen.delay(trial * 1000)
	pktgen.stop(ports_of(way))
	pktgen.delay(2000) -- what is on the way arrives (RFC 2544 section 23)
	local sent1, received1 = counted(way)
	local sent = sent1 - sent0
	if sent == 0 then
		return 0, 1
	end
	return (received1 - received0) / trial, 1 - (received1 - received0) / sent
end

local function search(way)
	local low, high = 0, 100
	local best, rate = 0, 100
	while high - low > step do
		local pps, loss = measure(way, rate)
		print(string.format("  %-15s %6.2f %% of the line rate: %10.0f packets/s, %.4f %% lost",
			way.name, rate, pps, loss * 100))
		if loss <= loss_most then
			low, best = rate, math.max(best, pps)
		else
			high = rate
		end
		if low == 100 then
			break
		end
		rate = (low + high) / 2
	end
	print(string.format("%s: %.0f packets/s", way.name, best))
end

prepare()
for word in string.gmatch(os.getenv("CULVERT_WAYS") or "up down both", "%a+") do
	if ways[word] then
		search(ways[word])
	else
		print("CULVERT_WAYS: '" .. word .. "' is none of up, down, both")
	end
end
pktgen.quit()
