/** Still to come: the suites of side-by-side benchmarks. */
console.error('There is no benchmark suite yet.');
process.exitCode = 1;
