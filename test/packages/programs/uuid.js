// Names by chance, by time, and by hash.
import { NIL, parse, stringify, v1, v3, v4, v5, v7, validate, version } from "uuid";

console.log(v5("godwit.example", v5.DNS), v3("godwit.example", v3.URL), NIL);
console.log([v1(), v4(), v7()].map((id) => [validate(id), version(id)].join()).join(" "));
console.log(
  v4({ random: Uint8Array.from({ length: 16 }, (_, n) => n * 9) }),
  stringify(parse("6ba7b810-9dad-11d1-80b4-00c04fd430c8")),
);
const made = Array.from({ length: 300 }, () => v7());
console.log(
  new Set(made).size,
  made.every((id, index) => index === 0 || id > made[index - 1]),
);
try {
  parse("nonsense");
} catch (error) {
  console.log(error.name, error.message);
}
