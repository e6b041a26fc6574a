"""Who gets which answer: API.md's table of roles, worked out for every action and everything that it may be done to."""

from dataclasses import dataclass

CALLERS = ("nobody", "admin", "agent", "productOwner", "client", "guest")

# An action, what it is done to, and each caller's status; "-" where there is no such thing: guests open no threads.
# Threads: `own`; `joined` (somebody else's, and one takes part); `foreign` (one takes no part); `elsewhere` (in another workspace);
# `direct` (of two others; `direct_joined` with oneself).
# Messages: `said` by the caller and `heard` from another, both in a joined thread; `said_lost` in one that was deleted since.
# Attachments: `uploaded` by the caller and `unposted` by another are in no message; `said_gone` is in one that was deleted since.
# Uploads that are put straight into the store: `staged` by the caller, in a joined thread. To begin one is 409 here: the store is a folder.
# Uploads that are resumed: all but `others` and `elsewhere` are the caller's; `lost` is in a thread that was deleted since.
# Users: `deleted` have no account any more, `removed` are no members any more. Of what admins make, `deleted` was taken back; to do that
# again is no mistake.
# Projects: `own` (the caller is an owner), `maintained`, `joined` (a member); what is in one is in one of the same name, and `missing`,
# `malformed` and `deleted` in one that is maintained.
# Links: `joined` is in a thread that the caller takes part in; what is linked there is nowhere, which is 422 to those who may link.
# Nobody is told what is hidden from what is missing. The marks name a message that is not there, which is 422 to those who may mark.
TABLE = """
                                       nobody admin agent productOwner client guest
register_user          -               201    201   201   201          201    201
log_in                 -               200    200   200   200          200    200
refresh_session        -               200    200   200   200          200    200
log_out                -               204    204   204   204          204    204
clear_cookie           -               204    204   204   204          204    204
set_cookie             -               401    204   204   204          204    204
get_public_keys        -               200    200   200   200          200    200
healthz                -               200    200   200   200          200    200
readyz                 -               200    200   200   200          200    200
metrics                -               200    200   200   200          200    200
get_limits             -               200    200   200   200          200    200
get_me                 -               401    200   200   200          200    200

set_role               own             401    200   403   403          403    403
set_role               foreign         401    200   403   403          403    403
set_role               elsewhere       401    404   403   403          403    403
set_role               missing         401    404   403   403          403    403
set_role               malformed       401    404   403   403          403    403
set_role               deleted         401    404   403   403          403    403
set_role               removed         401    404   403   403          403    403
list_threads           -               401    200   200   200          200    200
open_socket            -               426    426   426   426          426    426
follow_events          -               401    200   200   200          200    200
get_snapshot_cursor    -               401    200   200   200          200    200
open_booking           -               401    201   201   201          403    403
open_group             -               401    201   201   201          201    403
open_support           -               401    201   201   403          201    403

get_thread             own             401    200   200   200          200    -
get_thread             joined          401    200   200   200          200    200
get_thread             no_guests       401    200   200   200          200    404
get_thread             private_joined  401    200   200   200          200    200
get_thread             closed_joined   401    200   200   200          200    200
get_thread             archived_joined 401    200   200   200          200    200
get_thread             archived        401    200   200   200          404    404
get_thread             left            401    200   200   200          404    404
get_thread             foreign         401    200   200   200          404    404
get_thread             private         401    404   404   404          404    404
get_thread             elsewhere       401    404   404   404          404    404
get_thread             missing         401    404   404   404          404    404
get_thread             malformed       401    404   404   404          404    404
get_thread             deleted_joined  401    404   404   404          404    404
get_thread             direct_joined   401    200   200   200          200    200
get_thread             direct          401    404   404   404          404    404
get_thread             assistant       401    404   404   404          404    404

list_messages          own             401    200   200   200          200    -
list_messages          joined          401    200   200   200          200    200
list_messages          no_guests       401    200   200   200          200    404
list_messages          private_joined  401    200   200   200          200    200
list_messages          closed_joined   401    200   200   200          200    200
list_messages          archived_joined 401    200   200   200          200    200
list_messages          archived        401    200   200   200          404    404
list_messages          left            401    200   200   200          404    404
list_messages          foreign         401    200   200   200          404    404
list_messages          private         401    404   404   404          404    404
list_messages          elsewhere       401    404   404   404          404    404
list_messages          missing         401    404   404   404          404    404
list_messages          malformed       401    404   404   404          404    404
list_messages          deleted_joined  401    404   404   404          404    404
list_messages          direct_joined   401    200   200   200          200    200
list_messages          direct          401    404   404   404          404    404
list_messages          assistant       401    404   404   404          404    404

post_message           own             401    201   201   201          201    -
post_message           joined          401    201   201   201          201    201
post_message           no_guests       401    201   201   201          201    404
post_message           private_joined  401    201   201   201          201    201
post_message           closed_joined   401    409   409   409          409    409
post_message           archived_joined 401    409   409   409          409    409
post_message           archived        401    409   409   409          404    404
post_message           left            401    201   201   201          404    404
post_message           foreign         401    201   201   201          404    404
post_message           private         401    404   404   404          404    404
post_message           elsewhere       401    404   404   404          404    404
post_message           missing         401    404   404   404          404    404
post_message           malformed       401    404   404   404          404    404
post_message           deleted_joined  401    404   404   404          404    404
post_message           direct_joined   401    201   201   201          201    201
post_message           direct          401    404   404   404          404    404
post_message           assistant       401    404   404   404          404    404

post_note              own             401    201   201   403          403    -
post_note              joined          401    201   201   403          403    403
post_note              private_joined  401    201   201   403          403    403
post_note              foreign         401    201   201   403          404    404
post_note              private         401    404   404   404          404    404
post_note              elsewhere       401    404   404   404          404    404
post_note              missing         401    404   404   404          404    404
post_note              malformed       401    404   404   404          404    404
post_note              deleted_joined  401    404   404   404          404    404

change_thread          own             401    200   200   200          200    -
change_thread          joined          401    200   200   403          403    403
change_thread          private_joined  401    200   200   403          403    403
change_thread          closed_joined   401    200   200   403          403    403
change_thread          archived_own    401    409   409   409          409    -
change_thread          archived_joined 401    409   409   403          403    403
change_thread          archived        401    409   409   403          404    403
change_thread          left            401    200   200   403          404    403
change_thread          foreign         401    200   200   403          404    403
change_thread          private         401    404   404   404          404    403
change_thread          elsewhere       401    404   404   404          404    403
change_thread          missing         401    404   404   404          404    403
change_thread          malformed       401    404   404   404          404    403
change_thread          deleted_joined  401    404   404   404          404    403
change_thread          direct_joined   401    200   200   403          403    403
change_thread          direct          401    404   404   404          404    403
change_thread          assistant       401    404   404   404          404    403

archive_thread         own             401    204   204   204          403    -
archive_thread         joined          401    204   204   403          403    403
archive_thread         private_joined  401    204   204   403          403    403
archive_thread         closed_joined   401    204   204   403          403    403
archive_thread         archived_own    401    204   204   204          403    -
archive_thread         archived_joined 401    204   204   403          403    403
archive_thread         foreign         401    204   204   403          403    403
archive_thread         private         401    404   404   404          403    403
archive_thread         elsewhere       401    404   404   404          403    403
archive_thread         missing         401    404   404   404          403    403
archive_thread         malformed       401    404   404   404          403    403
archive_thread         deleted_joined  401    404   404   404          403    403
archive_thread         direct_joined   401    409   409   403          403    403
archive_thread         direct          401    404   404   404          403    403

restore_thread         archived_own    401    200   200   200          403    -
restore_thread         archived_joined 401    200   200   403          403    403
restore_thread         archived        401    200   200   403          404    403

get_message            said            401    200   200   200          200    200
get_message            heard           401    200   200   200          200    200
get_message            heard_in_own    401    200   200   200          200    -
get_message            note            401    200   200   404          404    404
get_message            said_deleted    401    200   200   200          200    200
get_message            heard_deleted   401    200   200   200          200    200
get_message            said_archived   401    200   200   200          200    200
get_message            foreign         401    200   200   200          404    404
get_message            private         401    404   404   404          404    404
get_message            elsewhere       401    404   404   404          404    404
get_message            missing         401    404   404   404          404    404
get_message            malformed       401    404   404   404          404    404
get_message            said_lost       401    404   404   404          404    404
get_message            note_deleted    401    200   200   404          404    404

edit_message           said            401    200   200   200          200    200
edit_message           heard           401    403   403   403          403    403
edit_message           heard_in_own    401    403   403   403          403    -
edit_message           note            401    403   403   404          404    404
edit_message           said_deleted    401    409   409   409          409    409
edit_message           heard_deleted   401    403   403   403          403    403
edit_message           said_archived   401    409   409   409          409    409
edit_message           foreign         401    403   403   403          404    404
edit_message           private         401    404   404   404          404    404
edit_message           elsewhere       401    404   404   404          404    404
edit_message           missing         401    404   404   404          404    404
edit_message           malformed       401    404   404   404          404    404
edit_message           said_lost       401    404   404   404          404    404
edit_message           note_deleted    401    403   403   404          404    404

delete_message         said            401    204   204   204          204    204
delete_message         heard           401    204   204   403          403    403
delete_message         heard_in_own    401    204   204   204          403    -
delete_message         note            401    204   204   404          404    404
delete_message         said_deleted    401    204   204   204          204    204
delete_message         heard_deleted   401    204   204   403          403    403
delete_message         said_archived   401    409   409   409          409    409
delete_message         foreign         401    204   204   403          404    404
delete_message         private         401    404   404   404          404    404
delete_message         elsewhere       401    404   404   404          404    404
delete_message         missing         401    404   404   404          404    404
delete_message         malformed       401    404   404   404          404    404
delete_message         said_lost       401    404   404   404          404    404
delete_message         note_deleted    401    204   204   404          404    404

get_unread             own             401    200   200   200          200    -
get_unread             joined          401    200   200   200          200    200
get_unread             no_guests       401    200   200   200          200    404
get_unread             private_joined  401    200   200   200          200    200
get_unread             closed_joined   401    200   200   200          200    200
get_unread             archived_joined 401    200   200   200          200    200
get_unread             archived        401    200   200   200          404    404
get_unread             left            401    200   200   200          404    404
get_unread             foreign         401    200   200   200          404    404
get_unread             private         401    404   404   404          404    404
get_unread             elsewhere       401    404   404   404          404    404
get_unread             missing         401    404   404   404          404    404
get_unread             malformed       401    404   404   404          404    404
get_unread             deleted_joined  401    404   404   404          404    404

mark_read              own             401    422   422   422          422    -
mark_read              joined          401    422   422   422          422    422
mark_read              no_guests       401    422   422   422          422    404
mark_read              private_joined  401    422   422   422          422    422
mark_read              closed_joined   401    422   422   422          422    422
mark_read              archived_joined 401    422   422   422          422    422
mark_read              archived        401    422   422   422          404    404
mark_read              left            401    422   422   422          404    404
mark_read              foreign         401    422   422   422          404    404
mark_read              private         401    404   404   404          404    404
mark_read              elsewhere       401    404   404   404          404    404
mark_read              missing         401    404   404   404          404    404
mark_read              malformed       401    404   404   404          404    404
mark_read              deleted_joined  401    404   404   404          404    404

mark_unread            own             401    422   422   422          422    -
mark_unread            joined          401    422   422   422          422    422
mark_unread            no_guests       401    422   422   422          422    404
mark_unread            private_joined  401    422   422   422          422    422
mark_unread            closed_joined   401    422   422   422          422    422
mark_unread            archived_joined 401    422   422   422          422    422
mark_unread            archived        401    422   422   422          404    404
mark_unread            left            401    422   422   422          404    404
mark_unread            foreign         401    422   422   422          404    404
mark_unread            private         401    404   404   404          404    404
mark_unread            elsewhere       401    404   404   404          404    404
mark_unread            missing         401    404   404   404          404    404
mark_unread            malformed       401    404   404   404          404    404
mark_unread            deleted_joined  401    404   404   404          404    404

mark_delivered         own             401    422   422   422          422    -
mark_delivered         joined          401    422   422   422          422    422
mark_delivered         no_guests       401    422   422   422          422    404
mark_delivered         private_joined  401    422   422   422          422    422
mark_delivered         closed_joined   401    422   422   422          422    422
mark_delivered         archived_joined 401    422   422   422          422    422
mark_delivered         archived        401    422   422   422          404    404
mark_delivered         left            401    422   422   422          404    404
mark_delivered         foreign         401    422   422   422          404    404
mark_delivered         private         401    404   404   404          404    404
mark_delivered         elsewhere       401    404   404   404          404    404
mark_delivered         missing         401    404   404   404          404    404
mark_delivered         malformed       401    404   404   404          404    404
mark_delivered         deleted_joined  401    404   404   404          404    404

list_receipts          own             401    200   200   200          200    -
list_receipts          joined          401    200   200   200          200    200
list_receipts          no_guests       401    200   200   200          200    404
list_receipts          private_joined  401    200   200   200          200    200
list_receipts          closed_joined   401    200   200   200          200    200
list_receipts          archived_joined 401    200   200   200          200    200
list_receipts          archived        401    200   200   200          404    404
list_receipts          left            401    200   200   200          404    404
list_receipts          foreign         401    200   200   200          404    404
list_receipts          private         401    404   404   404          404    404
list_receipts          elsewhere       401    404   404   404          404    404
list_receipts          missing         401    404   404   404          404    404
list_receipts          malformed       401    404   404   404          404    404
list_receipts          deleted_joined  401    404   404   404          404    404
mark_threads_read      -               401    200   200   200          200    200

list_replies           said            401    200   200   200          200    200
list_replies           heard           401    200   200   200          200    200
list_replies           heard_in_own    401    200   200   200          200    -
list_replies           note            401    200   200   404          404    404
list_replies           said_deleted    401    200   200   200          200    200
list_replies           heard_deleted   401    200   200   200          200    200
list_replies           said_archived   401    200   200   200          200    200
list_replies           foreign         401    200   200   200          404    404
list_replies           private         401    404   404   404          404    404
list_replies           elsewhere       401    404   404   404          404    404
list_replies           missing         401    404   404   404          404    404
list_replies           malformed       401    404   404   404          404    404
list_replies           said_lost       401    404   404   404          404    404

get_message_history    said            401    200   403   403          403    403
get_message_history    heard           401    200   403   403          403    403
get_message_history    heard_in_own    401    200   403   403          403    -
get_message_history    note            401    200   403   403          403    403
get_message_history    said_deleted    401    200   403   403          403    403
get_message_history    heard_deleted   401    200   403   403          403    403
get_message_history    said_archived   401    200   403   403          403    403
get_message_history    foreign         401    200   403   403          403    403
get_message_history    private         401    404   403   403          403    403
get_message_history    elsewhere       401    404   403   403          403    403
get_message_history    missing         401    404   403   403          403    403
get_message_history    malformed       401    404   403   403          403    403
get_message_history    said_lost       401    404   403   403          403    403
open_direct            -               401    201   201   201          201    403
open_escalated         -               401    201   201   403          403    403
open_assistant         -               401    201   201   403          403    403

list_participants      own             401    200   200   200          200    -
list_participants      joined          401    200   200   200          200    200
list_participants      no_guests       401    200   200   200          200    404
list_participants      private_joined  401    200   200   200          200    200
list_participants      archived_joined 401    200   200   200          200    200
list_participants      left            401    200   200   200          404    404
list_participants      foreign         401    200   200   200          404    404
list_participants      private         401    404   404   404          404    404
list_participants      direct          401    404   404   404          404    404
list_participants      assistant       401    404   404   404          404    404
list_participants      elsewhere       401    404   404   404          404    404
list_participants      missing         401    404   404   404          404    404
list_participants      malformed       401    404   404   404          404    404
list_participants      direct_joined   401    200   200   200          200    200
list_participants      deleted_joined  401    404   404   404          404    404

get_participant        own             401    200   200   200          200    -
get_participant        joined          401    200   200   200          200    200
get_participant        no_guests       401    200   200   200          200    404
get_participant        private_joined  401    200   200   200          200    200
get_participant        archived_joined 401    200   200   200          200    200
get_participant        left            401    200   200   200          404    404
get_participant        foreign         401    200   200   200          404    404
get_participant        private         401    404   404   404          404    404
get_participant        direct          401    404   404   404          404    404
get_participant        assistant       401    404   404   404          404    404
get_participant        elsewhere       401    404   404   404          404    404
get_participant        missing         401    404   404   404          404    404
get_participant        malformed       401    404   404   404          404    404
get_participant        deleted_joined  401    404   404   404          404    404

add_participant        own             401    201   201   201          201    -
add_participant        joined          401    201   201   403          403    403
add_participant        private_joined  401    201   201   403          403    403
add_participant        closed_joined   401    201   201   403          403    403
add_participant        archived_own    401    409   409   409          409    -
add_participant        archived_joined 401    409   409   403          403    403
add_participant        archived        401    409   409   403          404    403
add_participant        foreign         401    201   201   403          404    403
add_participant        private         401    404   404   404          404    403
add_participant        direct_joined   401    409   409   403          403    403
add_participant        direct          401    404   404   404          404    403
add_participant        elsewhere       401    404   404   404          404    403
add_participant        missing         401    404   404   404          404    403
add_participant        malformed       401    404   404   404          404    403
add_participant        deleted_joined  401    404   404   404          404    403

join_thread            foreign         401    201   201   201          404    403
join_thread            joined          401    409   409   403          403    403
join_thread            archived        401    409   409   409          404    403
join_thread            private         401    404   404   404          404    403
join_thread            elsewhere       401    404   404   404          404    403

change_participant     own             401    200   200   200          200    -
change_participant     joined          401    200   200   403          403    403
change_participant     private_joined  401    200   200   403          403    403
change_participant     closed_joined   401    200   200   403          403    403
change_participant     archived_own    401    409   409   409          409    -
change_participant     archived_joined 401    409   409   403          403    403
change_participant     archived        401    409   409   403          404    403
change_participant     foreign         401    200   200   403          404    403
change_participant     private         401    404   404   404          404    403
change_participant     direct          401    404   404   404          404    403
change_participant     elsewhere       401    404   404   404          404    403
change_participant     missing         401    404   404   404          404    403
change_participant     malformed       401    404   404   404          404    403
change_participant     deleted_joined  401    404   404   404          404    403

remove_participant     own             401    204   204   204          204    -
remove_participant     joined          401    204   204   403          403    403
remove_participant     private_joined  401    204   204   403          403    403
remove_participant     closed_joined   401    204   204   403          403    403
remove_participant     archived_own    401    409   409   409          409    -
remove_participant     archived_joined 401    409   409   403          403    403
remove_participant     archived        401    409   409   403          404    404
remove_participant     foreign         401    204   204   403          404    404
remove_participant     private         401    404   404   404          404    404
remove_participant     direct          401    404   404   404          404    404
remove_participant     elsewhere       401    404   404   404          404    404
remove_participant     missing         401    404   404   404          404    404
remove_participant     malformed       401    404   404   404          404    404
remove_participant     deleted_joined  401    404   404   404          404    404

leave_thread           joined          401    204   204   204          204    204
leave_thread           private_joined  401    204   204   204          204    204
leave_thread           closed_joined   401    204   204   204          204    204
leave_thread           archived_joined 401    409   409   409          409    409
leave_thread           direct_joined   401    409   409   409          409    409
leave_thread           private         401    404   404   404          404    404

get_thread_history     own             401    200   403   403          403    -
get_thread_history     joined          401    200   403   403          403    403
get_thread_history     foreign         401    200   403   403          403    403
get_thread_history     private         401    404   403   403          403    403
get_thread_history     direct          401    404   403   403          403    403
get_thread_history     elsewhere       401    404   403   403          403    403
get_thread_history     missing         401    404   403   403          403    403
get_thread_history     malformed       401    404   403   403          403    403
get_thread_history     deleted_joined  401    404   403   403          403    403
change_me              -               401    200   200   200          200    200
verify_email           -               401    422   422   422          422    422
request_verification   -               401    204   204   204          204    204
request_reset          -               204    204   204   204          204    204
reset_password         -               422    422   422   422          422    422
change_password        -               401    204   204   204          204    204
list_own_sessions      -               401    200   200   200          200    200
end_other_sessions     -               401    204   204   204          204    204

end_own_session        own             401    204   204   204          204    204
end_own_session        foreign         401    404   404   404          404    404
end_own_session        missing         401    404   404   404          404    404
end_own_session        malformed       401    404   404   404          404    404
end_own_session        deleted         401    204   204   204          204    204

get_own_session        own             401    200   200   200          200    200
get_own_session        foreign         401    404   404   404          404    404
get_own_session        missing         401    404   404   404          404    404
get_own_session        malformed       401    404   404   404          404    404
get_own_session        deleted         401    404   404   404          404    404
search_users           -               401    200   200   200          200    403

get_user               own             401    200   200   200          200    403
get_user               foreign         401    200   200   200          200    403
get_user               elsewhere       401    404   404   404          404    403
get_user               missing         401    404   404   404          404    403
get_user               malformed       401    404   404   404          404    403
get_user               deleted         401    404   404   404          404    403
get_user               removed         401    404   404   404          404    403
get_user               newcomer        401    200   200   200          404    403

suspend_user           own             401    409   403   403          403    403
suspend_user           newcomer        401    200   403   403          403    403
suspend_user           elsewhere       401    404   403   403          403    403
suspend_user           missing         401    404   403   403          403    403
suspend_user           malformed       401    404   403   403          403    403
suspend_user           deleted         401    404   403   403          403    403
suspend_user           removed         401    404   403   403          403    403

reinstate_user         own             401    200   403   403          403    403
reinstate_user         suspended       401    200   403   403          403    403
reinstate_user         elsewhere       401    404   403   403          403    403
reinstate_user         missing         401    404   403   403          403    403
reinstate_user         malformed       401    404   403   403          403    403
reinstate_user         deleted         401    404   403   403          403    403
reinstate_user         removed         401    404   403   403          403    403
create_workspace       -               401    201   201   201          201    403
list_workspaces        -               401    200   200   200          200    200
switch_workspace       -               401    200   200   200          200    200
accept_invitation      -               401    409   409   409          409    409

get_workspace          own             401    200   200   200          200    200
get_workspace          elsewhere       401    404   404   404          404    404
get_workspace          missing         401    404   404   404          404    404
get_workspace          malformed       401    404   404   404          404    404
get_workspace          deleted         401    404   404   404          404    404

change_workspace       own             401    200   403   403          403    403
change_workspace       elsewhere       401    404   403   403          403    403
change_workspace       missing         401    404   403   403          403    403
change_workspace       malformed       401    404   403   403          403    403
change_workspace       deleted         401    404   403   403          403    403

list_members           own             401    200   200   200          403    403
list_members           elsewhere       401    404   404   404          403    403
list_members           missing         401    404   404   404          403    403
list_members           malformed       401    404   404   404          403    403
list_members           deleted         401    404   404   404          403    403

get_member             own             401    200   200   200          403    403
get_member             foreign         401    200   200   200          403    403
get_member             elsewhere       401    404   404   404          403    403
get_member             missing         401    404   404   404          403    403
get_member             malformed       401    404   404   404          403    403
get_member             deleted         401    404   404   404          403    403
get_member             removed         401    404   404   404          403    403

change_member          newcomer        401    200   403   403          403    403
change_member          elsewhere       401    404   403   403          403    403
change_member          missing         401    404   403   403          403    403
change_member          malformed       401    404   403   403          403    403
change_member          own             401    200   403   403          403    403
change_member          deleted         401    404   403   403          403    403
change_member          removed         401    404   403   403          403    403

remove_member          newcomer        401    204   403   403          403    403
remove_member          elsewhere       401    404   403   403          403    403
remove_member          missing         401    404   403   403          403    403
remove_member          malformed       401    404   -     -            -      -
remove_member          deleted         401    404   403   403          403    403
remove_member          removed         401    204   403   403          403    403

create_invitation      own             401    201   403   403          403    403
create_invitation      elsewhere       401    404   403   403          403    403
create_invitation      missing         401    404   403   403          403    403
create_invitation      malformed       401    404   403   403          403    403
create_invitation      deleted         401    404   403   403          403    403

list_invitations       own             401    200   403   403          403    403
list_invitations       elsewhere       401    404   403   403          403    403
list_invitations       missing         401    404   403   403          403    403
list_invitations       malformed       401    404   403   403          403    403
list_invitations       deleted         401    404   403   403          403    403

get_invitation         own             401    200   403   403          403    403
get_invitation         elsewhere       401    404   403   403          403    403
get_invitation         missing         401    404   403   403          403    403
get_invitation         malformed       401    404   403   403          403    403
get_invitation         deleted         401    404   403   403          403    403

revoke_invitation      own             401    204   403   403          403    403
revoke_invitation      elsewhere       401    404   403   403          403    403
revoke_invitation      missing         401    404   403   403          403    403
revoke_invitation      malformed       401    404   403   403          403    403
revoke_invitation      deleted         401    204   403   403          403    403
list_permissions       -               401    200   200   403          403    403
list_roles             -               401    200   200   403          403    403
create_role            -               401    201   403   403          403    403

get_role               own             401    200   200   403          403    403
get_role               elsewhere       401    404   404   403          403    403
get_role               missing         401    404   404   403          403    403
get_role               deleted         401    404   404   403          403    403

change_role            own             401    200   403   403          403    403
change_role            elsewhere       401    404   403   403          403    403
change_role            missing         401    404   403   403          403    403
change_role            deleted         401    404   403   403          403    403

delete_role            own             401    204   403   403          403    403
delete_role            elsewhere       401    404   403   403          403    403
delete_role            missing         401    404   403   403          403    403
delete_role            deleted         401    204   403   403          403    403
list_audit             -               401    200   403   403          403    403
create_service_account -               401    201   403   403          403    403
list_service_accounts  -               401    200   403   403          403    403

get_service_account    own             401    200   403   403          403    403
get_service_account    elsewhere       401    404   403   403          403    403
get_service_account    missing         401    404   403   403          403    403
get_service_account    malformed       401    404   403   403          403    403
get_service_account    deleted         401    404   403   403          403    403

delete_service_account own             401    204   403   403          403    403
delete_service_account elsewhere       401    404   403   403          403    403
delete_service_account missing         401    404   403   403          403    403
delete_service_account malformed       401    404   403   403          403    403
delete_service_account deleted         401    204   403   403          403    403

create_service_token   own             401    201   403   403          403    403
create_service_token   elsewhere       401    404   403   403          403    403
create_service_token   missing         401    404   403   403          403    403
create_service_token   malformed       401    404   403   403          403    403
create_service_token   deleted         401    404   403   403          403    403

list_service_tokens    own             401    200   403   403          403    403
list_service_tokens    elsewhere       401    404   403   403          403    403
list_service_tokens    missing         401    404   403   403          403    403
list_service_tokens    malformed       401    404   403   403          403    403
list_service_tokens    deleted         401    404   403   403          403    403

get_service_token      own             401    200   403   403          403    403
get_service_token      elsewhere       401    404   403   403          403    403
get_service_token      missing         401    404   403   403          403    403
get_service_token      malformed       401    404   403   403          403    403
get_service_token      deleted         401    404   403   403          403    403

rotate_service_token   own             401    201   403   403          403    403
rotate_service_token   elsewhere       401    404   403   403          403    403
rotate_service_token   missing         401    404   403   403          403    403
rotate_service_token   malformed       401    404   403   403          403    403
rotate_service_token   deleted         401    404   403   403          403    403

revoke_service_token   own             401    204   403   403          403    403
revoke_service_token   elsewhere       401    404   403   403          403    403
revoke_service_token   missing         401    404   403   403          403    403
revoke_service_token   malformed       401    404   403   403          403    403
revoke_service_token   deleted         401    204   403   403          403    403

upload_attachments     own             401    201   201   201          201    -
upload_attachments     joined          401    201   201   201          201    201
upload_attachments     no_guests       401    201   201   201          201    404
upload_attachments     private_joined  401    201   201   201          201    201
upload_attachments     closed_joined   401    409   409   409          409    409
upload_attachments     archived_joined 401    409   409   409          409    409
upload_attachments     archived        401    409   409   409          404    404
upload_attachments     left            401    201   201   201          404    404
upload_attachments     foreign         401    201   201   201          404    404
upload_attachments     private         401    404   404   404          404    404
upload_attachments     elsewhere       401    404   404   404          404    404
upload_attachments     missing         401    404   404   404          404    404
upload_attachments     malformed       401    404   404   404          404    404
upload_attachments     deleted_joined  401    404   404   404          404    404
upload_attachments     direct_joined   401    201   201   201          201    201
upload_attachments     direct          401    404   404   404          404    404
upload_attachments     assistant       401    404   404   404          404    404

begin_presigned_upload own             401    409   409   409          409    -
begin_presigned_upload joined          401    409   409   409          409    409
begin_presigned_upload no_guests       401    409   409   409          409    404
begin_presigned_upload private_joined  401    409   409   409          409    409
begin_presigned_upload closed_joined   401    409   409   409          409    409
begin_presigned_upload archived_joined 401    409   409   409          409    409
begin_presigned_upload archived        401    409   409   409          404    404
begin_presigned_upload left            401    409   409   409          404    404
begin_presigned_upload foreign         401    409   409   409          404    404
begin_presigned_upload private         401    404   404   404          404    404
begin_presigned_upload elsewhere       401    404   404   404          404    404
begin_presigned_upload missing         401    404   404   404          404    404
begin_presigned_upload malformed       401    404   404   404          404    404
begin_presigned_upload deleted_joined  401    404   404   404          404    404
begin_presigned_upload direct_joined   401    409   409   409          409    409
begin_presigned_upload direct          401    404   404   404          404    404
begin_presigned_upload assistant       401    404   404   404          404    404

finish_presigned_upload staged           401    201   201   201          201    201
finish_presigned_upload staged_by_another 401   404   404   404          404    404
finish_presigned_upload staged_elsewhere 401    404   404   404          404    404
finish_presigned_upload staged_expired   401    404   404   404          404    404
finish_presigned_upload missing          401    404   404   404          404    404
finish_presigned_upload malformed        401    404   404   404          404    404

upload_voice           own             401    201   201   201          201    -
upload_voice           joined          401    201   201   201          201    201
upload_voice           no_guests       401    201   201   201          201    404
upload_voice           private_joined  401    201   201   201          201    201
upload_voice           closed_joined   401    409   409   409          409    409
upload_voice           archived_joined 401    409   409   409          409    409
upload_voice           archived        401    409   409   409          404    404
upload_voice           left            401    201   201   201          404    404
upload_voice           foreign         401    201   201   201          404    404
upload_voice           private         401    404   404   404          404    404
upload_voice           elsewhere       401    404   404   404          404    404
upload_voice           missing         401    404   404   404          404    404
upload_voice           malformed       401    404   404   404          404    404
upload_voice           deleted_joined  401    404   404   404          404    404
upload_voice           direct_joined   401    201   201   201          201    201
upload_voice           direct          401    404   404   404          404    404
upload_voice           assistant       401    404   404   404          404    404

list_attachments       own             401    200   200   200          200    -
list_attachments       joined          401    200   200   200          200    200
list_attachments       no_guests       401    200   200   200          200    404
list_attachments       private_joined  401    200   200   200          200    200
list_attachments       closed_joined   401    200   200   200          200    200
list_attachments       archived_joined 401    200   200   200          200    200
list_attachments       archived        401    200   200   200          404    404
list_attachments       left            401    200   200   200          404    404
list_attachments       foreign         401    200   200   200          404    404
list_attachments       private         401    404   404   404          404    404
list_attachments       elsewhere       401    404   404   404          404    404
list_attachments       missing         401    404   404   404          404    404
list_attachments       malformed       401    404   404   404          404    404
list_attachments       deleted_joined  401    404   404   404          404    404
list_attachments       direct_joined   401    200   200   200          200    200
list_attachments       direct          401    404   404   404          404    404
list_attachments       assistant       401    404   404   404          404    404

open_attachment        uploaded        401    200   200   200          200    200
open_attachment        said            401    200   200   200          200    200
open_attachment        heard           401    200   200   200          200    200
open_attachment        heard_in_own    401    200   200   200          200    -
open_attachment        note            401    200   200   404          404    404
open_attachment        unposted        401    404   404   404          404    404
open_attachment        said_pending    401    409   409   409          409    409
open_attachment        said_gone       401    404   404   404          404    404
open_attachment        said_deleted    401    404   404   404          404    404
open_attachment        heard_deleted   401    404   404   404          404    404
open_attachment        said_archived   401    200   200   200          200    200
open_attachment        foreign         401    200   200   200          404    404
open_attachment        private         401    404   404   404          404    404
open_attachment        elsewhere       401    404   404   404          404    404
open_attachment        missing         401    404   404   404          404    404
open_attachment        malformed       401    404   404   404          404    404
open_attachment        said_lost       401    404   404   404          404    404

open_preview           uploaded        401    200   200   200          200    200
open_preview           said            401    200   200   200          200    200
open_preview           heard           401    200   200   200          200    200
open_preview           heard_in_own    401    200   200   200          200    -
open_preview           note            401    200   200   404          404    404
open_preview           unposted        401    404   404   404          404    404
open_preview           said_pending    401    409   409   409          409    409
open_preview           said_gone       401    404   404   404          404    404
open_preview           said_deleted    401    404   404   404          404    404
open_preview           heard_deleted   401    404   404   404          404    404
open_preview           said_archived   401    200   200   200          200    200
open_preview           foreign         401    200   200   200          404    404
open_preview           private         401    404   404   404          404    404
open_preview           elsewhere       401    404   404   404          404    404
open_preview           missing         401    404   404   404          404    404
open_preview           malformed       401    404   404   404          404    404
open_preview           said_lost       401    404   404   404          404    404

link_attachment        uploaded        401    201   201   201          201    201
link_attachment        said            401    201   201   201          201    201
link_attachment        heard           401    201   201   201          201    201
link_attachment        heard_in_own    401    201   201   201          201    -
link_attachment        note            401    201   201   404          404    404
link_attachment        unposted        401    404   404   404          404    404
link_attachment        said_pending    401    409   409   409          409    409
link_attachment        said_gone       401    404   404   404          404    404
link_attachment        said_deleted    401    404   404   404          404    404
link_attachment        heard_deleted   401    404   404   404          404    404
link_attachment        said_archived   401    201   201   201          201    201
link_attachment        foreign         401    201   201   201          404    404
link_attachment        private         401    404   404   404          404    404
link_attachment        elsewhere       401    404   404   404          404    404
link_attachment        missing         401    404   404   404          404    404
link_attachment        malformed       401    404   404   404          404    404
link_attachment        said_lost       401    404   404   404          404    404

delete_attachment      uploaded        401    204   204   204          204    204
delete_attachment      said            401    204   204   204          204    204
delete_attachment      heard           401    204   204   403          403    403
delete_attachment      heard_in_own    401    204   204   204          403    -
delete_attachment      note            401    204   204   404          404    404
delete_attachment      unposted        401    404   404   404          404    404
delete_attachment      said_pending    401    204   204   204          204    204
delete_attachment      said_gone       401    204   204   204          204    204
delete_attachment      said_deleted    401    204   204   204          204    204
delete_attachment      heard_deleted   401    204   204   404          404    404
delete_attachment      said_archived   401    409   409   409          409    409
delete_attachment      foreign         401    204   204   403          404    404
delete_attachment      private         401    404   404   404          404    404
delete_attachment      elsewhere       401    404   404   404          404    404
delete_attachment      missing         401    404   404   404          404    404
delete_attachment      malformed       401    404   404   404          404    404
delete_attachment      said_lost       401    404   404   404          404    404

create_resumable_upload own            401    201   201   201          201    -
create_resumable_upload joined         401    201   201   201          201    201
create_resumable_upload no_guests      401    201   201   201          201    404
create_resumable_upload private_joined 401    201   201   201          201    201
create_resumable_upload closed_joined  401    409   409   409          409    409
create_resumable_upload archived_joined 401   409   409   409          409    409
create_resumable_upload archived       401    409   409   409          404    404
create_resumable_upload left           401    201   201   201          404    404
create_resumable_upload foreign        401    201   201   201          404    404
create_resumable_upload private        401    404   404   404          404    404
create_resumable_upload elsewhere      401    404   404   404          404    404
create_resumable_upload missing        401    404   404   404          404    404
create_resumable_upload malformed      401    422   422   422          422    422
create_resumable_upload deleted_joined 401    404   404   404          404    404
create_resumable_upload direct_joined  401    201   201   201          201    201
create_resumable_upload direct         401    404   404   404          404    404
create_resumable_upload assistant      401    404   404   404          404    404

get_resumable_upload   begun           401    200   200   200          200    200
get_resumable_upload   complete        401    200   200   200          200    200
get_resumable_upload   archived        401    200   200   200          200    200
get_resumable_upload   lost            401    404   404   404          404    404
get_resumable_upload   others          401    404   404   404          404    404
get_resumable_upload   elsewhere       401    404   404   404          404    404
get_resumable_upload   ended           401    404   404   404          404    404
get_resumable_upload   missing         401    404   404   404          404    404
get_resumable_upload   malformed       401    404   404   404          404    404

continue_resumable_upload begun        401    204   204   204          204    204
continue_resumable_upload complete     401    409   409   409          409    409
continue_resumable_upload archived     401    409   409   409          409    409
continue_resumable_upload lost         401    404   404   404          404    404
continue_resumable_upload others       401    404   404   404          404    404
continue_resumable_upload elsewhere    401    404   404   404          404    404
continue_resumable_upload ended        401    404   404   404          404    404
continue_resumable_upload missing      401    404   404   404          404    404
continue_resumable_upload malformed    401    404   404   404          404    404

delete_resumable_upload begun          401    204   204   204          204    204
delete_resumable_upload complete       401    204   204   204          204    204
delete_resumable_upload archived       401    204   204   204          204    204
delete_resumable_upload lost           401    204   204   204          204    204
delete_resumable_upload others         401    404   404   404          404    404
delete_resumable_upload elsewhere      401    404   404   404          404    404
delete_resumable_upload ended          401    404   404   404          404    404
delete_resumable_upload missing        401    404   404   404          404    404
delete_resumable_upload malformed      401    404   404   404          404    404

describe_uploads       -               204    204   204   204          204    204
describe_upload        -               204    204   204   204          204    204

open_link              own             200    200   200   200          200    200
open_link              missing         404    404   404   404          404    404
list_projects          -               401    200   200   200          200    200
create_project         -               401    201   201   201          201    403

get_project            own             401    200   200   200          200    200
get_project            maintained      401    200   200   200          200    200
get_project            joined          401    200   200   200          200    200
get_project            archived_joined 401    200   200   200          200    200
get_project            foreign         401    404   404   404          404    404
get_project            elsewhere       401    404   404   404          404    404
get_project            missing         401    404   404   404          404    404
get_project            malformed       401    404   404   404          404    404
get_project            deleted_own     401    404   404   404          404    404

list_project_members   own             401    200   200   200          200    200
list_project_members   maintained      401    200   200   200          200    200
list_project_members   joined          401    200   200   200          200    200
list_project_members   archived_joined 401    200   200   200          200    200
list_project_members   foreign         401    404   404   404          404    404
list_project_members   elsewhere       401    404   404   404          404    404
list_project_members   missing         401    404   404   404          404    404
list_project_members   malformed       401    404   404   404          404    404
list_project_members   deleted_own     401    404   404   404          404    404

get_board              own             401    200   200   200          200    200
get_board              maintained      401    200   200   200          200    200
get_board              joined          401    200   200   200          200    200
get_board              archived_joined 401    200   200   200          200    200
get_board              foreign         401    404   404   404          404    404
get_board              elsewhere       401    404   404   404          404    404
get_board              missing         401    404   404   404          404    404
get_board              malformed       401    404   404   404          404    404
get_board              deleted_own     401    404   404   404          404    404

list_columns           own             401    200   200   200          200    200
list_columns           maintained      401    200   200   200          200    200
list_columns           joined          401    200   200   200          200    200
list_columns           archived_joined 401    200   200   200          200    200
list_columns           foreign         401    404   404   404          404    404
list_columns           elsewhere       401    404   404   404          404    404
list_columns           missing         401    404   404   404          404    404
list_columns           malformed       401    404   404   404          404    404
list_columns           deleted_own     401    404   404   404          404    404

list_tasks             own             401    200   200   200          200    200
list_tasks             maintained      401    200   200   200          200    200
list_tasks             joined          401    200   200   200          200    200
list_tasks             archived_joined 401    200   200   200          200    200
list_tasks             foreign         401    404   404   404          404    404
list_tasks             elsewhere       401    404   404   404          404    404
list_tasks             missing         401    404   404   404          404    404
list_tasks             malformed       401    404   404   404          404    404
list_tasks             deleted_own     401    404   404   404          404    404

list_files             own             401    200   200   200          200    200
list_files             maintained      401    200   200   200          200    200
list_files             joined          401    200   200   200          200    200
list_files             archived_joined 401    200   200   200          200    200
list_files             foreign         401    404   404   404          404    404
list_files             elsewhere       401    404   404   404          404    404
list_files             missing         401    404   404   404          404    404
list_files             malformed       401    404   404   404          404    404
list_files             deleted_own     401    404   404   404          404    404

list_site_pages             own             401    200   200   200          200    200
list_site_pages             maintained      401    200   200   200          200    200
list_site_pages             joined          401    200   200   200          200    200
list_site_pages             archived_joined 401    200   200   200          200    200
list_site_pages             foreign         401    404   404   404          404    404
list_site_pages             elsewhere       401    404   404   404          404    404
list_site_pages             missing         401    404   404   404          404    404
list_site_pages             malformed       401    404   404   404          404    404
list_site_pages             deleted_own     401    404   404   404          404    404

get_project_history    own             401    200   403   403          403    403
get_project_history    maintained      401    200   403   403          403    403
get_project_history    joined          401    200   403   403          403    403
get_project_history    archived_joined 401    200   403   403          403    403
get_project_history    foreign         401    404   403   403          403    403
get_project_history    elsewhere       401    404   403   403          403    403
get_project_history    missing         401    404   403   403          403    403
get_project_history    malformed       401    404   403   403          403    403
get_project_history    deleted_own     401    404   403   403          403    403

change_project         own             401    200   200   200          200    403
change_project         maintained      401    403   403   403          403    403
change_project         joined          401    403   403   403          403    403
change_project         archived_own    401    409   409   409          409    403
change_project         archived_joined 401    403   403   403          403    403
change_project         foreign         401    404   404   404          404    403
change_project         elsewhere       401    404   404   404          404    403
change_project         missing         401    404   404   404          404    403
change_project         malformed       401    404   404   404          404    403
change_project         deleted_own     401    404   404   404          404    403

delete_project         own             401    204   204   204          204    403
delete_project         maintained      401    403   403   403          403    403
delete_project         joined          401    403   403   403          403    403
delete_project         archived_own    401    204   204   204          204    403
delete_project         archived_joined 401    403   403   403          403    403
delete_project         foreign         401    404   404   404          404    403
delete_project         elsewhere       401    404   404   404          404    403
delete_project         missing         401    404   404   404          404    403
delete_project         malformed       401    404   404   404          404    403
delete_project         deleted_own     401    204   204   204          204    403

add_project_member     own             401    201   201   201          201    403
add_project_member     maintained      401    201   201   201          201    403
add_project_member     joined          401    403   403   403          403    403
add_project_member     archived_own    401    409   409   409          409    403
add_project_member     archived_joined 401    403   403   403          403    403
add_project_member     foreign         401    404   404   404          404    403
add_project_member     elsewhere       401    404   404   404          404    403
add_project_member     missing         401    404   404   404          404    403
add_project_member     malformed       401    404   404   404          404    403
add_project_member     deleted_own     401    404   404   404          404    403

create_column          own             401    201   201   201          201    403
create_column          maintained      401    201   201   201          201    403
create_column          joined          401    403   403   403          403    403
create_column          archived_own    401    409   409   409          409    403
create_column          archived_joined 401    403   403   403          403    403
create_column          foreign         401    404   404   404          404    403
create_column          elsewhere       401    404   404   404          404    403
create_column          missing         401    404   404   404          404    403
create_column          malformed       401    404   404   404          404    403
create_column          deleted_own     401    404   404   404          404    403

create_task            own             401    201   201   201          201    403
create_task            maintained      401    201   201   201          201    403
create_task            joined          401    201   201   201          201    403
create_task            archived_own    401    409   409   409          409    403
create_task            archived_joined 401    409   409   409          409    403
create_task            foreign         401    404   404   404          404    403
create_task            elsewhere       401    404   404   404          404    403
create_task            missing         401    404   404   404          404    403
create_task            malformed       401    404   404   404          404    403
create_task            deleted_own     401    404   404   404          404    403

create_file            own             401    201   201   201          201    403
create_file            maintained      401    201   201   201          201    403
create_file            joined          401    201   201   201          201    403
create_file            archived_own    401    409   409   409          409    403
create_file            archived_joined 401    409   409   409          409    403
create_file            foreign         401    404   404   404          404    403
create_file            elsewhere       401    404   404   404          404    403
create_file            missing         401    404   404   404          404    403
create_file            malformed       401    404   404   404          404    403
create_file            deleted_own     401    404   404   404          404    403

create_site_page            own             401    201   201   201          201    403
create_site_page            maintained      401    201   201   201          201    403
create_site_page            joined          401    201   201   201          201    403
create_site_page            archived_own    401    409   409   409          409    403
create_site_page            archived_joined 401    409   409   409          409    403
create_site_page            foreign         401    404   404   404          404    403
create_site_page            elsewhere       401    404   404   404          404    403
create_site_page            missing         401    404   404   404          404    403
create_site_page            malformed       401    404   404   404          404    403
create_site_page            deleted_own     401    404   404   404          404    403

move_files             own             401    422   422   422          422    403
move_files             maintained      401    422   422   422          422    403
move_files             joined          401    422   422   422          422    403
move_files             archived_own    401    409   409   409          409    403
move_files             archived_joined 401    409   409   409          409    403
move_files             foreign         401    404   404   404          404    403
move_files             elsewhere       401    404   404   404          404    403
move_files             missing         401    404   404   404          404    403
move_files             malformed       401    404   404   404          404    403
move_files             deleted_own     401    404   404   404          404    403

get_project_member     own             401    200   200   200          200    200
get_project_member     maintained      401    200   200   200          200    200
get_project_member     joined          401    200   200   200          200    200
get_project_member     archived_joined 401    200   200   200          200    200
get_project_member     foreign         401    404   404   404          404    404
get_project_member     elsewhere       401    404   404   404          404    404
get_project_member     missing         401    404   404   404          404    404
get_project_member     malformed       401    404   404   404          404    404
get_project_member     deleted         401    404   404   404          404    404
get_project_member     deleted_own     401    404   404   404          404    404

get_column             own             401    200   200   200          200    200
get_column             maintained      401    200   200   200          200    200
get_column             joined          401    200   200   200          200    200
get_column             archived_joined 401    200   200   200          200    200
get_column             foreign         401    404   404   404          404    404
get_column             elsewhere       401    404   404   404          404    404
get_column             missing         401    404   404   404          404    404
get_column             malformed       401    404   404   404          404    404
get_column             deleted         401    404   404   404          404    404
get_column             deleted_own     401    404   404   404          404    404

get_task               own             401    200   200   200          200    200
get_task               maintained      401    200   200   200          200    200
get_task               joined          401    200   200   200          200    200
get_task               archived_joined 401    200   200   200          200    200
get_task               foreign         401    404   404   404          404    404
get_task               elsewhere       401    404   404   404          404    404
get_task               missing         401    404   404   404          404    404
get_task               malformed       401    404   404   404          404    404
get_task               deleted         401    404   404   404          404    404
get_task               deleted_own     401    404   404   404          404    404

get_file               own             401    200   200   200          200    200
get_file               maintained      401    200   200   200          200    200
get_file               joined          401    200   200   200          200    200
get_file               archived_joined 401    200   200   200          200    200
get_file               foreign         401    404   404   404          404    404
get_file               elsewhere       401    404   404   404          404    404
get_file               missing         401    404   404   404          404    404
get_file               malformed       401    404   404   404          404    404
get_file               deleted         401    404   404   404          404    404
get_file               deleted_own     401    404   404   404          404    404

list_file_versions     own             401    200   200   200          200    200
list_file_versions     maintained      401    200   200   200          200    200
list_file_versions     joined          401    200   200   200          200    200
list_file_versions     archived_joined 401    200   200   200          200    200
list_file_versions     foreign         401    404   404   404          404    404
list_file_versions     elsewhere       401    404   404   404          404    404
list_file_versions     missing         401    404   404   404          404    404
list_file_versions     malformed       401    404   404   404          404    404
list_file_versions     deleted         401    404   404   404          404    404
list_file_versions     deleted_own     401    404   404   404          404    404

get_site_page               own             401    200   200   200          200    200
get_site_page               maintained      401    200   200   200          200    200
get_site_page               joined          401    200   200   200          200    200
get_site_page               archived_joined 401    200   200   200          200    200
get_site_page               foreign         401    404   404   404          404    404
get_site_page               elsewhere       401    404   404   404          404    404
get_site_page               missing         401    404   404   404          404    404
get_site_page               malformed       401    404   404   404          404    404
get_site_page               deleted         401    404   404   404          404    404
get_site_page               deleted_own     401    404   404   404          404    404

change_project_member  own             401    200   200   200          200    403
change_project_member  maintained      401    200   200   200          200    403
change_project_member  joined          401    403   403   403          403    403
change_project_member  archived_own    401    409   409   409          409    403
change_project_member  archived_joined 401    403   403   403          403    403
change_project_member  foreign         401    404   404   404          404    403
change_project_member  elsewhere       401    404   404   404          404    403
change_project_member  missing         401    404   404   404          404    403
change_project_member  malformed       401    404   404   404          404    403
change_project_member  deleted_own     401    404   404   404          404    403
change_project_member  deleted         401    404   404   404          404    403

remove_project_member  own             401    204   204   204          204    204
remove_project_member  maintained      401    204   204   204          204    204
remove_project_member  joined          401    403   403   403          403    403
remove_project_member  archived_own    401    409   409   409          409    409
remove_project_member  archived_joined 401    403   403   403          403    403
remove_project_member  foreign         401    404   404   404          404    404
remove_project_member  elsewhere       401    404   404   404          404    404
remove_project_member  missing         401    404   404   404          404    404
remove_project_member  malformed       401    404   404   404          404    404
remove_project_member  deleted_own     401    404   404   404          404    404
remove_project_member  deleted         401    204   204   204          204    204

change_column          own             401    200   200   200          200    403
change_column          maintained      401    200   200   200          200    403
change_column          joined          401    403   403   403          403    403
change_column          archived_own    401    409   409   409          409    403
change_column          archived_joined 401    403   403   403          403    403
change_column          foreign         401    404   404   404          404    403
change_column          elsewhere       401    404   404   404          404    403
change_column          missing         401    404   404   404          404    403
change_column          malformed       401    404   404   404          404    403
change_column          deleted_own     401    404   404   404          404    403
change_column          deleted         401    404   404   404          404    403

delete_column          own             401    204   204   204          204    403
delete_column          maintained      401    204   204   204          204    403
delete_column          joined          401    403   403   403          403    403
delete_column          archived_own    401    409   409   409          409    403
delete_column          archived_joined 401    403   403   403          403    403
delete_column          foreign         401    404   404   404          404    403
delete_column          elsewhere       401    404   404   404          404    403
delete_column          missing         401    404   404   404          404    403
delete_column          malformed       401    404   404   404          404    403
delete_column          deleted_own     401    404   404   404          404    403
delete_column          deleted         401    204   204   204          204    403

change_task            own             401    200   200   200          200    403
change_task            maintained      401    200   200   200          200    403
change_task            joined          401    200   200   200          200    403
change_task            archived_own    401    409   409   409          409    403
change_task            archived_joined 401    409   409   409          409    403
change_task            foreign         401    404   404   404          404    403
change_task            elsewhere       401    404   404   404          404    403
change_task            missing         401    404   404   404          404    403
change_task            malformed       401    404   404   404          404    403
change_task            deleted_own     401    404   404   404          404    403
change_task            deleted         401    404   404   404          404    403

change_file            own             401    200   200   200          200    403
change_file            maintained      401    200   200   200          200    403
change_file            joined          401    200   200   200          200    403
change_file            archived_own    401    409   409   409          409    403
change_file            archived_joined 401    409   409   409          409    403
change_file            foreign         401    404   404   404          404    403
change_file            elsewhere       401    404   404   404          404    403
change_file            missing         401    404   404   404          404    403
change_file            malformed       401    404   404   404          404    403
change_file            deleted_own     401    404   404   404          404    403
change_file            deleted         401    404   404   404          404    403

change_site_page            own             401    200   200   200          200    403
change_site_page            maintained      401    200   200   200          200    403
change_site_page            joined          401    200   200   200          200    403
change_site_page            archived_own    401    409   409   409          409    403
change_site_page            archived_joined 401    409   409   409          409    403
change_site_page            foreign         401    404   404   404          404    403
change_site_page            elsewhere       401    404   404   404          404    403
change_site_page            missing         401    404   404   404          404    403
change_site_page            malformed       401    404   404   404          404    403
change_site_page            deleted_own     401    404   404   404          404    403
change_site_page            deleted         401    404   404   404          404    403

move_task              own             401    422   422   422          422    403
move_task              maintained      401    422   422   422          422    403
move_task              joined          401    422   422   422          422    403
move_task              archived_own    401    409   409   409          409    403
move_task              archived_joined 401    409   409   409          409    403
move_task              foreign         401    404   404   404          404    403
move_task              elsewhere       401    404   404   404          404    403
move_task              missing         401    404   404   404          404    403
move_task              malformed       401    404   404   404          404    403
move_task              deleted_own     401    404   404   404          404    403
move_task              deleted         401    404   404   404          404    403

delete_task            own             401    204   204   204          204    403
delete_task            maintained      401    204   204   204          204    403
delete_task            joined          401    403   403   403          403    403
delete_task            archived_own    401    409   409   409          409    403
delete_task            archived_joined 401    403   403   403          403    403
delete_task            foreign         401    404   404   404          404    403
delete_task            elsewhere       401    404   404   404          404    403
delete_task            missing         401    404   404   404          404    403
delete_task            malformed       401    404   404   404          404    403
delete_task            deleted_own     401    404   404   404          404    403
delete_task            deleted         401    204   204   204          204    403

delete_file            own             401    204   204   204          204    403
delete_file            maintained      401    204   204   204          204    403
delete_file            joined          401    403   403   403          403    403
delete_file            archived_own    401    409   409   409          409    403
delete_file            archived_joined 401    403   403   403          403    403
delete_file            foreign         401    404   404   404          404    403
delete_file            elsewhere       401    404   404   404          404    403
delete_file            missing         401    404   404   404          404    403
delete_file            malformed       401    404   404   404          404    403
delete_file            deleted_own     401    404   404   404          404    403
delete_file            deleted         401    204   204   204          204    403

delete_site_page            own             401    204   204   204          204    403
delete_site_page            maintained      401    204   204   204          204    403
delete_site_page            joined          401    403   403   403          403    403
delete_site_page            archived_own    401    409   409   409          409    403
delete_site_page            archived_joined 401    403   403   403          403    403
delete_site_page            foreign         401    404   404   404          404    403
delete_site_page            elsewhere       401    404   404   404          404    403
delete_site_page            missing         401    404   404   404          404    403
delete_site_page            malformed       401    404   404   404          404    403
delete_site_page            deleted_own     401    404   404   404          404    403
delete_site_page            deleted         401    204   204   204          204    403

draw_project_graph     own             401    200   200   200          200    200
draw_project_graph     maintained      401    200   200   200          200    200
draw_project_graph     joined          401    200   200   200          200    200
draw_project_graph     archived_joined 401    200   200   200          200    200
draw_project_graph     foreign         401    404   404   404          404    404
draw_project_graph     elsewhere       401    404   404   404          404    404
draw_project_graph     missing         401    404   404   404          404    404
draw_project_graph     malformed       401    404   404   404          404    404
draw_project_graph     deleted_own     401    404   404   404          404    404

list_thread_links      own             401    200   200   200          200    -
list_thread_links      joined          401    200   200   200          200    200
list_thread_links      no_guests       401    200   200   200          200    404
list_thread_links      private_joined  401    200   200   200          200    200
list_thread_links      closed_joined   401    200   200   200          200    200
list_thread_links      archived_joined 401    200   200   200          200    200
list_thread_links      archived        401    200   200   200          404    404
list_thread_links      left            401    200   200   200          404    404
list_thread_links      foreign         401    200   200   200          404    404
list_thread_links      private         401    404   404   404          404    404
list_thread_links      elsewhere       401    404   404   404          404    404
list_thread_links      missing         401    404   404   404          404    404
list_thread_links      malformed       401    404   404   404          404    404
list_thread_links      deleted_joined  401    404   404   404          404    404
list_thread_links      direct_joined   401    200   200   200          200    200
list_thread_links      direct          401    404   404   404          404    404
list_thread_links      assistant       401    404   404   404          404    404

get_related            own             401    200   200   200          200    -
get_related            joined          401    200   200   200          200    200
get_related            no_guests       401    200   200   200          200    404
get_related            private_joined  401    200   200   200          200    200
get_related            closed_joined   401    200   200   200          200    200
get_related            archived_joined 401    200   200   200          200    200
get_related            archived        401    200   200   200          404    404
get_related            left            401    200   200   200          404    404
get_related            foreign         401    200   200   200          404    404
get_related            private         401    404   404   404          404    404
get_related            elsewhere       401    404   404   404          404    404
get_related            missing         401    404   404   404          404    404
get_related            malformed       401    404   404   404          404    404
get_related            deleted_joined  401    404   404   404          404    404
get_related            direct_joined   401    200   200   200          200    200
get_related            direct          401    404   404   404          404    404
get_related            assistant       401    404   404   404          404    404

get_impact             own             401    200   200   200          200    -
get_impact             joined          401    200   200   200          200    200
get_impact             no_guests       401    200   200   200          200    404
get_impact             private_joined  401    200   200   200          200    200
get_impact             closed_joined   401    200   200   200          200    200
get_impact             archived_joined 401    200   200   200          200    200
get_impact             archived        401    200   200   200          404    404
get_impact             left            401    200   200   200          404    404
get_impact             foreign         401    200   200   200          404    404
get_impact             private         401    404   404   404          404    404
get_impact             elsewhere       401    404   404   404          404    404
get_impact             missing         401    404   404   404          404    404
get_impact             malformed       401    404   404   404          404    404
get_impact             deleted_joined  401    404   404   404          404    404
get_impact             direct_joined   401    200   200   200          200    200
get_impact             direct          401    404   404   404          404    404
get_impact             assistant       401    404   404   404          404    404

link_in_thread         own             401    422   422   422          422    -
link_in_thread         joined          401    422   422   422          422    403
link_in_thread         no_guests       401    422   422   422          422    403
link_in_thread         private_joined  401    422   422   422          422    403
link_in_thread         closed_joined   401    409   409   409          409    403
link_in_thread         archived_joined 401    409   409   409          409    403
link_in_thread         archived        401    409   409   409          404    403
link_in_thread         left            401    422   422   422          404    403
link_in_thread         foreign         401    422   422   422          404    403
link_in_thread         private         401    404   404   404          404    403
link_in_thread         elsewhere       401    404   404   404          404    403
link_in_thread         missing         401    404   404   404          404    403
link_in_thread         malformed       401    404   404   404          404    403
link_in_thread         deleted_joined  401    404   404   404          404    403
link_in_thread         direct_joined   401    422   422   422          422    403
link_in_thread         direct          401    404   404   404          404    403
link_in_thread         assistant       401    404   404   404          404    403

get_thread_link        joined          401    200   200   200          200    200
get_thread_link        deleted         401    404   404   404          404    404
get_thread_link        elsewhere       401    404   404   404          404    404
get_thread_link        missing         401    404   404   404          404    404
get_thread_link        malformed       401    404   404   404          404    404

unlink_in_thread       joined          401    204   204   204          204    403
unlink_in_thread       deleted         401    204   204   204          204    403
unlink_in_thread       elsewhere       401    404   404   404          404    403
unlink_in_thread       missing         401    404   404   404          404    403
unlink_in_thread       malformed       401    404   404   404          404    403

find_path              -               401    422   422   422          422    422
list_orphans           -               401    200   200   200          200    200

list_project_links     own             401    200   200   200          200    200
list_project_links     maintained      401    200   200   200          200    200
list_project_links     joined          401    200   200   200          200    200
list_project_links     archived_joined 401    200   200   200          200    200
list_project_links     foreign         401    404   404   404          404    404
list_project_links     elsewhere       401    404   404   404          404    404
list_project_links     missing         401    404   404   404          404    404
list_project_links     malformed       401    404   404   404          404    404
list_project_links     deleted_own     401    404   404   404          404    404

get_project_graph      own             401    200   200   200          200    200
get_project_graph      maintained      401    200   200   200          200    200
get_project_graph      joined          401    200   200   200          200    200
get_project_graph      archived_joined 401    200   200   200          200    200
get_project_graph      foreign         401    404   404   404          404    404
get_project_graph      elsewhere       401    404   404   404          404    404
get_project_graph      missing         401    404   404   404          404    404
get_project_graph      malformed       401    404   404   404          404    404
get_project_graph      deleted_own     401    404   404   404          404    404

link_in_project        own             401    422   422   422          422    403
link_in_project        maintained      401    422   422   422          422    403
link_in_project        joined          401    422   422   422          422    403
link_in_project        archived_own    401    409   409   409          409    403
link_in_project        archived_joined 401    409   409   409          409    403
link_in_project        foreign         401    404   404   404          404    403
link_in_project        elsewhere       401    404   404   404          404    403
link_in_project        missing         401    404   404   404          404    403
link_in_project        malformed       401    404   404   404          404    403
link_in_project        deleted_own     401    404   404   404          404    403

get_project_link       own             401    200   200   200          200    200
get_project_link       maintained      401    200   200   200          200    200
get_project_link       joined          401    200   200   200          200    200
get_project_link       archived_joined 401    200   200   200          200    200
get_project_link       foreign         401    404   404   404          404    404
get_project_link       elsewhere       401    404   404   404          404    404
get_project_link       missing         401    404   404   404          404    404
get_project_link       malformed       401    404   404   404          404    404
get_project_link       deleted         401    404   404   404          404    404
get_project_link       deleted_own     401    404   404   404          404    404

unlink_in_project      own             401    204   204   204          204    403
unlink_in_project      maintained      401    204   204   204          204    403
unlink_in_project      joined          401    204   204   204          204    403
unlink_in_project      archived_own    401    409   409   409          409    403
unlink_in_project      archived_joined 401    409   409   409          409    403
unlink_in_project      foreign         401    404   404   404          404    403
unlink_in_project      elsewhere       401    404   404   404          404    403
unlink_in_project      missing         401    404   404   404          404    403
unlink_in_project      malformed       401    404   404   404          404    403
unlink_in_project      deleted_own     401    404   404   404          404    403
unlink_in_project      deleted         401    204   204   204          204    403

set_typing             own             401    204   204   204          204    -
set_typing             joined          401    204   204   204          204    204
set_typing             no_guests       401    204   204   204          204    404
set_typing             private_joined  401    204   204   204          204    204
set_typing             closed_joined   401    409   409   409          409    409
set_typing             archived_joined 401    409   409   409          409    409
set_typing             archived        401    409   409   409          404    404
set_typing             left            401    204   204   204          404    404
set_typing             foreign         401    204   204   204          404    404
set_typing             private         401    404   404   404          404    404
set_typing             elsewhere       401    404   404   404          404    404
set_typing             missing         401    404   404   404          404    404
set_typing             malformed       401    404   404   404          404    404
set_typing             deleted_joined  401    404   404   404          404    404
set_typing             direct_joined   401    204   204   204          204    204
set_typing             direct          401    404   404   404          404    404
set_typing             assistant       401    404   404   404          404    404

get_typing             own             401    200   200   200          200    -
get_typing             joined          401    200   200   200          200    200
get_typing             no_guests       401    200   200   200          200    404
get_typing             private_joined  401    200   200   200          200    200
get_typing             closed_joined   401    200   200   200          200    200
get_typing             archived_joined 401    200   200   200          200    200
get_typing             archived        401    200   200   200          404    404
get_typing             left            401    200   200   200          404    404
get_typing             foreign         401    200   200   200          404    404
get_typing             private         401    404   404   404          404    404
get_typing             elsewhere       401    404   404   404          404    404
get_typing             missing         401    404   404   404          404    404
get_typing             malformed       401    404   404   404          404    404
get_typing             deleted_joined  401    404   404   404          404    404

get_presence           -               401    422   422   422          422    403

get_project_presence   own             401    200   200   200          200    200
get_project_presence   maintained      401    200   200   200          200    200
get_project_presence   joined          401    200   200   200          200    200
get_project_presence   archived_joined 401    200   200   200          200    200
get_project_presence   foreign         401    404   404   404          404    404
get_project_presence   elsewhere       401    404   404   404          404    404
get_project_presence   missing         401    404   404   404          404    404
get_project_presence   malformed       401    404   404   404          404    404
get_project_presence   deleted_own     401    404   404   404          404    404

get_file_presence      own             401    200   200   200          200    200
get_file_presence      maintained      401    200   200   200          200    200
get_file_presence      joined          401    200   200   200          200    200
get_file_presence      archived_joined 401    200   200   200          200    200
get_file_presence      foreign         401    404   404   404          404    404
get_file_presence      elsewhere       401    404   404   404          404    404
get_file_presence      missing         401    404   404   404          404    404
get_file_presence      malformed       401    404   404   404          404    404
get_file_presence      deleted         401    404   404   404          404    404
get_file_presence      deleted_own     401    404   404   404          404    404

get_page_presence           own             401    200   200   200          200    200
get_page_presence           maintained      401    200   200   200          200    200
get_page_presence           joined          401    200   200   200          200    200
get_page_presence           archived_joined 401    200   200   200          200    200
get_page_presence           foreign         401    404   404   404          404    404
get_page_presence           elsewhere       401    404   404   404          404    404
get_page_presence           missing         401    404   404   404          404    404
get_page_presence           malformed       401    404   404   404          404    404
get_page_presence           deleted         401    404   404   404          404    404
get_page_presence           deleted_own     401    404   404   404          404    404
"""


@dataclass(frozen=True)
class Cell:
    """What one caller gets who does one action to one thing."""

    action: str
    thing: str
    caller: str
    status: int

    def __str__(self) -> str:
        return f"{self.caller}-{self.action}-{self.thing}" if self.thing != "-" else f"{self.caller}-{self.action}"


def _cells() -> list[Cell]:
    header, *rows = (line.split() for line in TABLE.splitlines() if line.strip())
    assert tuple(header) == CALLERS
    return [
        Cell(action, thing, caller, int(status))
        for action, thing, *statuses in rows
        for caller, status in zip(CALLERS, statuses, strict=True)
        if status != "-"
    ]


CELLS = _cells()
