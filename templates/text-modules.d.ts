/** Files that a program imports as text. */
declare module "*.txt" {
  const text: string;
  export default text;
}
