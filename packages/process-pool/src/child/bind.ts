/**
 * Imported by every process of a pool before its entry module (`node --import`), so that it is bound to its parent as
 * soon as Node has booted, whatever the module does, and whether it calls `inherit` or not.
 */
import { takeCall } from '../wire/call.js';

takeCall();
