// Read by the checker and the editor; the build has the same defaults.
export default { compilerOptions: { runes: true } };
