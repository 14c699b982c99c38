/**
 * Imported by every process of a pool before its entry module (`node --import`), so that it dies with its parent from when Node
 * has booted on, whether the module calls `inherit` or not.
 */
import { takeSpawnInfo } from '../wire/spawn-info.js';

takeSpawnInfo();
