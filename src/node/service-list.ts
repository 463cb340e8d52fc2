/** The services of a cluster, out of what each of its nodes says. */

import type { ExposureInfo, ServiceInfo, ServiceMember } from "../abi/control.ts";

/** All know all members, each with what its own switch has of them. */
export function merged(lists: readonly (readonly ServiceInfo[])[]): ServiceInfo[] {
  const names = [...new Set(lists.flat().map(({ name }) => name))].sort();
  return names.map((name) => {
    const said = lists.flat().filter((service) => service.name === name);
    const members = new Map<string, ServiceMember>();
    for (const member of said.flatMap((service) => service.members)) {
      const key = `${member.pid} ${member.protocol}`;
      const open = (members.get(key)?.open ?? 0) + member.open;
      members.set(key, { ...member, open });
    }
    const byPid = [...members.values()].sort((one, other) => one.pid - other.pid);
    const start = said.find((service) => service.start !== undefined)?.start;
    return {
      name,
      members: byPid,
      fronts: said.flatMap(({ fronts }) => fronts),
      exposures: mergedExposures(said.flatMap(({ exposures }) => exposures)),
      ...(start === undefined ? {} : { start }),
    };
  });
}

/** All know what is exposed, and each whether it stands by. */
function mergedExposures(said: readonly ExposureInfo[]): ExposureInfo[] {
  const byAddress = new Map<string, ExposureInfo>();
  for (const one of said) {
    const standBys = [...(byAddress.get(one.address)?.standBys ?? []), ...one.standBys];
    byAddress.set(one.address, { ...one, standBys });
  }
  return [...byAddress.values()];
}
