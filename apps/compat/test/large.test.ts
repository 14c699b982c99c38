import { LARGE } from '../dist/large/catalogue.js';
import { compare } from './comparing.js';

// `npm run test:apps` installs and builds what this starts.
compare(LARGE);
