// Signed and encrypted tokens by the web's cryptography.
import {
  base64url,
  calculateJwkThumbprint,
  CompactEncrypt,
  compactDecrypt,
  createLocalJWKSet,
  exportJWK,
  generateKeyPair,
  jwtVerify,
  SignJWT,
} from "jose";

const secret = new TextEncoder().encode("a secret of thirty-two bytes....");
const token = await new SignJWT({ role: "admin" })
  .setProtectedHeader({ alg: "HS256" })
  .setIssuedAt(1_700_000_000)
  .setIssuer("godwit")
  .sign(secret);
console.log(token);
const { payload, protectedHeader } = await jwtVerify(token, secret, { issuer: "godwit" });
console.log(JSON.stringify(payload), JSON.stringify(protectedHeader));
for (const [bad, options] of [
  [`${token}x`, {}],
  [token, { issuer: "other" }],
  ["a.b", {}],
]) {
  try {
    await jwtVerify(bad, secret, options);
  } catch (error) {
    console.log(error.code, error.message);
  }
}
for (const alg of ["ES256", "RS256", "EdDSA"]) {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), alg, kid: alg };
  const signed = await new SignJWT({ sub: alg }).setProtectedHeader({ alg, kid: alg }).sign(privateKey);
  console.log(
    alg,
    (await jwtVerify(signed, createLocalJWKSet({ keys: [jwk] }))).payload.sub,
    (await calculateJwkThumbprint(jwk)).length,
  );
}
const sealed = await new CompactEncrypt(new TextEncoder().encode("hidden"))
  .setProtectedHeader({ alg: "dir", enc: "A256GCM" })
  .encrypt(secret);
console.log(new TextDecoder().decode((await compactDecrypt(sealed, secret)).plaintext), base64url.encode("ü"));
