// JSON Schema compiled to functions: the package makes code and evaluates it.
import { Ajv } from "ajv";

const ajv = new Ajv({ allErrors: true, useDefaults: true, coerceTypes: true });
ajv.addFormat("even", { type: "number", validate: (n) => n % 2 === 0 });
ajv.addKeyword({
  keyword: "shout",
  type: "string",
  validate: (schema, text) => !schema || text === text.toUpperCase(),
});
const validate = ajv.compile({
  $id: "tree",
  type: "object",
  required: ["value"],
  additionalProperties: false,
  properties: {
    value: { type: "integer", minimum: 0, format: "even" },
    name: { type: "string", pattern: "^[a-z]+$", default: "leaf" },
    label: { type: "string", shout: true },
    children: { type: "array", items: { $ref: "tree" }, uniqueItems: true, maxItems: 3 },
  },
});
const tree = (depth) => ({ value: depth * 2, children: depth === 0 ? [] : [tree(depth - 1), { value: 8 }] });
for (let depth = 0; depth < 6; depth++) console.log(validate(tree(depth)));
const bad = { value: "3", name: "A1", label: "low", extra: true, children: [{}, {}, { value: -2 }, {}] };
console.log(validate(bad), ajv.errorsText(validate.errors));
console.log(JSON.stringify(bad));
const any = ajv.compile({
  anyOf: [
    { type: "null" },
    { const: 5 },
    {
      type: "object",
      if: { required: ["a"] },
      then: { required: ["b"] },
      patternProperties: { "^x": { type: "boolean" } },
    },
  ],
});
for (const value of [null, 5, 6, {}, { a: 1 }, { a: 1, b: 2, x1: true }])
  console.log(JSON.stringify(value), any(value));
