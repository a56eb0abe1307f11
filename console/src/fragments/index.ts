// What the rest of the console may use to show what extensions contribute.
export { FragmentPage, type FragmentPageProps, type FragmentProps, FragmentTab, type TabObject } from './FragmentPage';
export { type FragmentScope, fragmentPath } from './load';
