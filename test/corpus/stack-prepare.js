// Error.prepareStackTrace, captureStackTrace and stackTraceLimit, called back by the engine.
function deep(n) { return n === 0 ? new Error("deep") : deep(n - 1); }
print(String(Error.stackTraceLimit), deep(15).stack.trim().split("\n").length);
Error.stackTraceLimit = 3;
print(deep(15).stack.trim().split("\n").length);
Error.stackTraceLimit = 10;
Error.prepareStackTrace = (error, frames) => {
  const list = frames.map((f) => [f.getFunctionName?.(), f.getLineNumber?.(), f.getColumnNumber?.()].join(":"));
  return [3, 1, 2].sort((a, b) => a - b).join("") + "|" + error.message + "|" + list.join(" ");
};
print(deep(2).stack);
try { null.x; } catch (e) { print(e.stack); }
const target = { name: "target" };
function capture() { Error.captureStackTrace(target, capture); }
(function caller() { capture(); })();
print(String(target.stack));
Error.prepareStackTrace = () => { throw new Error("prepare failed"); };
try { print(typeof deep(0).stack); } catch (e) { print("threw", e.message); }
Error.prepareStackTrace = undefined;
print(deep(0).stack.includes("deep"));
