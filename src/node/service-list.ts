/** The services of a cluster, out of what each of its nodes says. */

import type { ServiceInfo, ServiceMember } from "../abi/control.ts";

/** All know all members, each with what its own switch has of them. */
export function merged(lists: readonly (readonly ServiceInfo[])[]): ServiceInfo[] {
  const names = [...new Set(lists.flat().map(({ name }) => name))].sort();
  return names.map((name) => {
    const said = lists.flat().filter((service) => service.name === name);
    const members = new Map<number, ServiceMember>();
    for (const member of said.flatMap((service) => service.members)) {
      const open = (members.get(member.pid)?.open ?? 0) + member.open;
      members.set(member.pid, { ...member, open });
    }
    const byPid = [...members.values()].sort((one, other) => one.pid - other.pid);
    return { name, members: byPid, fronts: said.flatMap(({ fronts }) => fronts) };
  });
}
