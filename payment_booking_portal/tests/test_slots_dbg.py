from odoo.tests import freeze_time, tagged
from odoo import fields
from .common import NOW, BookingCommon

@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestDbg(BookingCommon):
    def test_dbg(self):
        s = self.service
        p=self.provider
        P=p.sudo()
        d=("maximum_amount", "=", False)
        print(p in P.search([d]), str(P._search([d]).subselect().code)[-300:])
        ids=[]
        old=type(self.env.cr).execute
        import traceback
        def ex(cr,q,p=None,log_exceptions=True):
            fr=[f"{f.filename.rsplit('/',1)[-1]}:{f.lineno}:{f.name}" for f in traceback.extract_stack() if 'payment_booking_portal' in f.filename or 'addons/mail' in f.filename]
            ids.append(str(getattr(q,'code',q))[:130].replace("\n"," ")+"   <<< "+" > ".join(fr[2:][-5:]))
            return old(cr,q,p,log_exceptions)
        from unittest.mock import patch
        pub=self.env.ref("base.public_user")
        for i,l in enumerate(["2026-03-03 09:00","2026-03-04 09:00","2026-03-05 09:00"]):
                self.env.flush_all(); self.env.invalidate_all()
                self.env.transaction.clear()
                ids.clear()
                with patch.object(type(self.env.cr),"execute",ex):
                    self.env["payment.booking"].with_user(pub)._place(s.with_user(pub).sudo(),self._utc(l),{"guest_name":"A","guest_email":"a@b.co"},visitor_key=f"v{i}",request_key=f"r{i}"); self.env.flush_all()
                print(l,len(ids))
        for q in ids: print("  ",q)
