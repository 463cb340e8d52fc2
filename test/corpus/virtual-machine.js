// A bytecode machine and a small compiler for it: switch in a long loop, typed arrays, closures as instructions.
const OPS = ["push", "add", "mul", "sub", "dup", "swap", "jnz", "jmp", "load", "store", "print", "call", "ret", "halt"];
const op = Object.fromEntries(OPS.map((n, i) => [n, i]));
function assemble(text) { const labels = {}, code = []; const lines = text.trim().split(/\s*\n\s*/); for (const pass of [1, 2]) { code.length = 0; for (const l of lines) { const m = /^(\w+):$/.exec(l); if (m) { labels[m[1]] = code.length; continue; } const [o, a] = l.split(" "); code.push(op[o]); if (a !== undefined) code.push(/^-?\d+$/.test(a) ? +a : labels[a] ?? 0); } } return Int32Array.from(code); }
function execute(code, limit = 20000) {
  const stack = [], calls = [], memory = new Int32Array(8), out = []; let pc = 0, steps = 0;
  for (;;) {
    if (++steps > limit) throw new RangeError("step limit");
    switch (code[pc++]) {
      case op.push: stack.push(code[pc++]); break;
      case op.add: stack.push(stack.pop() + stack.pop()); break;
      case op.mul: stack.push(Math.imul(stack.pop(), stack.pop())); break;
      case op.sub: { const b = stack.pop(); stack.push(stack.pop() - b); break; }
      case op.dup: stack.push(stack.at(-1)); break;
      case op.swap: { const b = stack.pop(), a = stack.pop(); stack.push(b, a); break; }
      case op.jnz: if (stack.pop()) pc = code[pc]; else pc++; break;
      case op.jmp: pc = code[pc]; break;
      case op.load: stack.push(memory[code[pc++]]); break;
      case op.store: memory[code[pc++]] = stack.pop(); break;
      case op.print: out.push(stack.pop()); break;
      case op.call: calls.push(pc + 1); pc = code[pc]; break;
      case op.ret: pc = calls.pop(); break;
      case op.halt: return { out: out.join(), steps };
      default: throw new Error("bad op at " + (pc - 1));
    }
  }
}
const program = `
push 10
store 0
push 1
store 1
loop:
load 1
load 0
mul
store 1
load 0
push 1
sub
dup
store 0
jnz loop
load 1
print
call square
halt
square:
load 1
push 2
mul
print
ret`;
print(JSON.stringify(execute(assemble(program))));
try { execute(assemble("top:\njmp top"), 3000); } catch (e) { print(e.message); }
try { execute(Int32Array.of(99)); } catch (e) { print(e.message); }
const compile = (e) => (typeof e === "number" ? `push ${e}` : Array.isArray(e) ? `${compile(e[1])}\n${compile(e[2])}\n${{ "+": "add", "*": "mul", "-": "sub" }[e[0]]}` : "");
print(execute(assemble(compile(["+", ["*", 3, 4], ["-", 10, ["*", 2, 3]]]) + "\nprint\nhalt")).out);
