// Its functions are exports of their own, and so no tasks.
export function double(number) {
  return 2 * number;
}
