// Uint8Array to and from base64 and hex where the engine has them.
const bytes = new Uint8Array([0, 1, 127, 128, 255, 62, 63]);
print(bytes.toBase64(), bytes.toHex(), bytes.toBase64({ get alphabet() { print("alphabet"); return "base64url"; }, omitPadding: true }));
print(Uint8Array.fromBase64("AAF/gP8+Pw==").join(), Uint8Array.fromHex("00ff10").join());
const target = new Uint8Array(4);
const r = target.setFromHex("0102030405".slice(0, 8));
print(r.read, r.written, target.join());
try { Uint8Array.fromHex("0g"); } catch (e) { print(e.name); }
try { Uint8Array.fromBase64("A"); } catch (e) { print(e.name); }
