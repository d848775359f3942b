-- SPDX-License-Identifier: Apache-2.0
-- For dnsdist.conf: dofile("/usr/share/clinch/hooks/dnsdist-staple.lua"), before addTLSLocal().
--
-- dnsdist does not start when an OCSP response is missing or over, so staples() names only those
-- files that are neither.

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
  for _, path in ipairs({...}) do
    if not good(path) then return nil end
  end
  return {...}
end
