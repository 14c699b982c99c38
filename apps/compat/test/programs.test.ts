import { CATALOGUE } from '../dist/catalogue.js';
import { compare } from './comparing.js';

compare(CATALOGUE);
