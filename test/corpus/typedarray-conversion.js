// Conversions of elements by valueOf while native code fills typed arrays.
const log = [];
const v = (n) => ({ valueOf() { log.push(n); return n; } });
const u8 = new Uint8Array(4);
u8[0] = v(300);
u8.set([v(1), v(2)], 1);
u8.fill(v(9), v(3), v(4));
print(u8.join(), log.join());
print(new Uint8ClampedArray([300, -5, 1.5, 2.5, NaN]).join(), new Int8Array([200, -200]).join(), new Float32Array([1.1])[0] === Math.fround(1.1));
try { new BigInt64Array([1]); } catch (e) { print(e.name); }
try { new Uint8Array([1n]); } catch (e) { print(e.name); }
const big = new BigUint64Array(1);
big[0] = -1n;
print(big[0], new Uint8Array(new Uint16Array([257, 2])).join());
const detaching = new Uint8Array(4);
detaching.set({ length: 2, get 0() { return 5; }, get 1() { detaching.buffer.transfer?.(); return 6; } });
print(detaching.length, u8.indexOf(9), u8.includes(v(9)), u8.lastIndexOf(44));
class Small extends Uint8Array { static get [Symbol.species]() { print("species"); return Uint16Array; } }
print(new Small([1, 2, 3]).map((x) => x * 1000).join(), new Small(2).subarray(2).constructor.name);
