(function () {
    "use strict";
})();
