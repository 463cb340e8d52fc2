// DataView reads and writes with converted arguments and both byte orders.
const dv = new DataView(new ArrayBuffer(32));
const index = { valueOf() { print("index"); return 4; } };
const value = { valueOf() { print("value"); return 0x01020304; } };
dv.setInt32(index, value, { get x() { return 1; } });
print(dv.getUint8(4), dv.getInt32(4).toString(16), dv.getInt32(4, true).toString(16));
dv.setFloat64(8, Math.PI, true);
dv.setFloat32(16, -0.5);
dv.setBigInt64(24, -2n, true);
print(dv.getFloat64(8, true), dv.getFloat32(16), dv.getBigUint64(24, true), dv.getBigInt64(24));
print(dv.getInt16(24, true), dv.getUint16(25), dv.getInt8(31));
for (const bad of [() => dv.getInt32(29), () => dv.setInt8(-1, 0), () => dv.setBigInt64(0, 1), () => dv.getInt8(Infinity), () => DataView.prototype.getInt8.call({}, 0)]) {
  try { bad(); } catch (e) { print(e.name); }
}
try { dv.setInt8(0, { valueOf() { throw new Error("value refused"); } }); } catch (e) { print(e.message); }
print(new DataView(new ArrayBuffer(8), 2, 4).byteLength);
