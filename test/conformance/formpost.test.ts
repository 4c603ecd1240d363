import { describePlans } from './suites.ts';

describePlans('P11 form post plans', (plan) => plan.includes('formpost'));
