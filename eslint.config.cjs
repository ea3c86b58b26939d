const js = require("@eslint/js");
const globals = require("globals");

module.exports = [
    {ignores: [".dev/", "node_modules/", "**/static/lib/"]},
    js.configs.recommended,
    {
        languageOptions: {
            ecmaVersion: 2024,
            sourceType: "module",
            globals: {
                ...globals.browser,
                luxon: "readonly",
                odoo: "readonly",
                owl: "readonly",
            },
        },
        rules: {
            "array-callback-return": "error",
            curly: ["error", "all"],
            "dot-notation": "error",
            eqeqeq: "error",
            "no-alert": "error",
            "no-duplicate-imports": "error",
            "no-else-return": "error",
            "no-empty-function": "error",
            "no-eval": "error",
            "no-implied-eval": "error",
            "no-lonely-if": "error",
            "no-new-func": "error",
            "no-param-reassign": "error",
            "no-return-assign": "error",
            "no-script-url": "error",
            "no-self-compare": "error",
            "no-shadow": "error",
            "no-throw-literal": "error",
            "no-unneeded-ternary": "error",
            "no-unused-expressions": "error",
            "no-unused-vars": ["error", {argsIgnorePattern: "^_"}],
            "no-use-before-define": "error",
            "no-useless-concat": "error",
            "no-useless-rename": "error",
            "no-var": "error",
            "operator-assignment": ["error", "always"],
            "prefer-const": "error",
            radix: "error",
            yoda: "error",
        },
    },
    {
        files: ["**/*.cjs"],
        languageOptions: {sourceType: "commonjs", globals: globals.node},
    },
];
