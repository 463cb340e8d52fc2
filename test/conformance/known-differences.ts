/**
 * Where the engine and V8 do not print the same, and why. A program that is not listed prints the same in both; one
 * that is listed may, as newer versions of V8 learn what the older ones lack.
 */

export const KNOWN_DIFFERENCES: Readonly<Record<string, readonly string[]>> = {
  "Error texts and stacks are an engine's own": [
    "stack-async",
    "stack-basic",
    "stack-native-frames",
    "stack-positions",
    "stack-prepare",
    "stack-thrown",
    "uncaught-error",
    "uncaught-syntax-error",
  ],
  "Only the engine has it; V8 does, if at all, from a later Node on": [
    "array-from-async",
    "arraybuffer-resizable",
    "error-cause-aggregate",
    "exceptions-through-native",
    "for-await",
    "group-by",
    "iterator-helpers",
    "iterator-newest",
    "json-raw",
    "math-sum-precise",
    "promise-combinators",
    "regexp-newest",
    "set-methods",
    "typedarray-base64-hex",
    "typedarray-conversion",
    "using-declarations",
    // RegExp.prototype.flags instead of .global and .unicode; an async iterator without throw: newer ECMAScript.
    "async-iterator-from-sync",
    "regexp-exec-overridden",
    "regexp-protocol-getters",
    // V8's sloppy functions own `arguments` and `caller`.
    "function-names-lengths",
    "proxy-traps-all",
    "intl-absent",
  ],
  "ECMAScript leaves it open: what a sort calls, in which order, and what it sees of changes made meanwhile": [
    "array-sort-comparator",
    "array-sort-mutating",
    "array-sort-throwing",
    "data-structures",
    "typedarray-sort",
  ],
  "Uncaught errors are reported after the jobs in V8's contexts, before them here": ["uncaught-non-error"],
  "The engine deviates from ECMAScript": [
    // Symbol.iterator is looked up twice.
    "proxy-array",
    "symbols-wellknown",
    // An iterator that gives a primitive for a result is closed.
    "iterator-protocol-hostile",
    // Keys are converted before the right-hand side is evaluated (and V8 converts those of `o[k]++` twice).
    "map-key-conversions",
    // A property that a getter deleted meanwhile is copied as undefined; a string spread into an object adds nothing.
    "object-assign-entries",
    "spread-rest",
    // `await` does not read the promise's constructor.
    "promise-subclass-species",
    // for-in asks a Proxy for all descriptors before the first key.
    "property-enumeration",
    // An index setter of the prototype is not called by an assignment at the array's end.
    "patched-prototypes-tojson",
    // An assignment to a constant before its initialisation is a TypeError.
    "temporal-dead-zone",
    // `with` asks for a name again after its value has been computed.
    "with-statement",
  ],
};
