/** Thrown for an argument that makes no sense; the exit code says so. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  /** By it the option parser knows the error for one of its own, and says which option the mistake is in. */
  readonly code = "commander.invalidArgument";
}
