#!/usr/bin/env node
// Not built: npm links the commands of a package when it is installed, and in a clone of the repository nothing is built by then.
import '../dist/main.js';
