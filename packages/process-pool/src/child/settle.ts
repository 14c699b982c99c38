/**
 * Imported last before the entry module (`node --import`), in a process that is to run elsewhere than where its options'
 * paths are from: Node has read all of them by now.
 */
import { takeCall } from '../wire/call.js';

const settleIn = takeCall()?.settleIn;
if (settleIn !== undefined) process.chdir(settleIn);
