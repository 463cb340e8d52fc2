/** Forms: the global `FormData`, and how it is written to and read from the body of a message. */

export { FormData } from "./form-data.ts";
export { encodeForm, parseForm } from "./form-body.ts";
