// Waits at its top level for what does not come.
await new Promise(() => setInterval(() => {}, 60_000));
