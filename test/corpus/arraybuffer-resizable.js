// Resizable buffers: views that track length, go out of bounds, come back; transfer.
const b = new ArrayBuffer(4, { maxByteLength: 12 });
const tracking = new Uint8Array(b);
const fixed = new Uint8Array(b, 2, 2);
const dv = new DataView(b, 1);
print(b.resizable, b.maxByteLength, tracking.length, fixed.length, dv.byteLength);
b.resize(8);
tracking[7] = 77;
print(tracking.length, fixed.length, dv.byteLength, tracking.join());
b.resize(3);
print(tracking.length, fixed.length, fixed.byteOffset, dv.byteLength);
b.resize(12);
print(tracking.join(), fixed.length);
try { b.resize(13); } catch (e) { print(e.name); }
const out = [];
for (const x of tracking) { out.push(x); if (out.length === 2) b.resize(4); }
print(out.join());
const moved = b.transfer(6);
print(b.detached, b.byteLength, tracking.length, moved.byteLength, moved.resizable, moved.transferToFixedLength().resizable);
try { tracking.fill(1); } catch (e) { print(e.name); }
const seen = [];
const c = new ArrayBuffer(4, { maxByteLength: 8 });
new Uint8Array(c).forEach((v, i) => { seen.push(v); if (i === 1) c.resize(1); });
print(seen.join());
