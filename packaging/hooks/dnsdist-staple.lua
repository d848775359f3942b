-- SPDX-License-Identifier: Apache-2.0
-- For dnsdist.conf: dofile("/usr/share/clinch/hooks/dnsdist-staple.lua"), before addTLSLocal().
--
-- dnsdist does not start when an OCSP response is missing or over, so staples() names only those
-- files that are neither. takeStaples() makes a running dnsdist take new ones and says "taken", or
-- "restart" where only a restart helps: dnsdist neither finds nor drops a file later.

local named = {}

-- The second and third time in an answer with one certificate are thisUpdate and nextUpdate; the first
-- is producedAt.
local function good(path)
  local file = io.open(path, "rb")
  if not file then return false end
  local times = {}
  for time in file:read("*a"):gmatch("\24\15(" .. ("%d"):rep(14) .. ")Z") do
    table.insert(times, time)
  end
  file:close()
  return times[3] ~= nil and times[3] > os.date("!%Y%m%d%H%M%S")
end

-- For ocspResponses, in the order of the certificates: all files, or nil when one is not good.
function staples(...)
  local all = true
  for _, path in ipairs({...}) do all = all and good(path) end
  table.insert(named, { paths = {...}, used = all })
  return all and {...} or nil
end

function takeStaples()
  for _, one in ipairs(named) do
    for _, path in ipairs(one.paths) do
      if good(path) ~= one.used then return "restart" end
    end
  end
  reloadAllCertificates()
  return "taken"
end
