// Versions and ranges: a package of CommonJS, which looks for process.
import semver, { satisfies, SemVer } from "semver";

const versions = ["1.0.0", "1.2.3-alpha.1", "1.2.3", "2.0.0-rc.1", "1.10.0", "0.9.9", "2.0.0+build"];
console.log(semver.sort([...versions]).join(" "), semver.rsort([...versions])[0]);
for (const range of ["^1.2.0", "~1.2", ">=1 <2", "1.x || 2.x", "*", "1.2.3 - 2.0.0"])
  console.log(range, "=>", semver.validRange(range), versions.filter((version) => satisfies(version, range)).join(","));
console.log(
  semver.inc("1.2.3", "prerelease", "beta"),
  semver.diff("1.2.3", "1.3.0"),
  semver.coerce("v3.4 beta").version,
  semver.maxSatisfying(versions, "<2"),
  semver.minVersion(">1.0").version,
);
console.log(
  new SemVer("1.2.3-a.1").compare("1.2.3-a.b"),
  semver.valid("1.2"),
  semver.intersects("^1", ">=1.5"),
  semver.subset("^1.2", "^1"),
  semver.simplifyRange(versions, ">=1.2.3 <=1.10.0"),
);
try {
  new SemVer("not");
} catch (error) {
  console.log(error.name, error.message);
}
