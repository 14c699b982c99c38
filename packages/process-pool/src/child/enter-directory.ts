/**
 * Imported last before the entry module (`node --import`), in a process whose working directory is not the one that the relative
 * paths among its options refer to: Node has read all of them by now.
 */
import { takeSpawnInfo } from '../wire/spawn-info.js';

const workingDirectory = takeSpawnInfo()?.workingDirectory;
if (workingDirectory !== undefined) process.chdir(workingDirectory);
